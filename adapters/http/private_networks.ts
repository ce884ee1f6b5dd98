/**
 * Addresses in which no stranger may make this machine ask anything.
 *
 * @module
 */
import { parseNetworks, plainAddress } from "./cidr.ts";

/** RFC 6890 and its successors: private, loopback, link-local, shared, multicast and the like. */
const PRIVATE_NETWORKS = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/96",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "100::/64",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
];
const PRIVATE = parseNetworks(PRIVATE_NETWORKS);

/** Whether an address is no public one; names are not asked about. */
export function isPrivateAddress(address: string): boolean {
  return PRIVATE.has(plainAddress(address));
}

/**
 * Every public IPv4 network, as `--allow-net` takes them: what is left of all
 * addresses without the private ones.
 *
 * @example A process that reaches the internet and nothing inside
 * ```ts
 * import { ok } from "node:assert/strict";
 * import { publicIpv4Networks } from "@mainstay/adapters/http";
 *
 * const allowed = publicIpv4Networks();
 * ok(allowed.includes("8.0.0.0/7"));
 * ok(!allowed.some((network) => network.startsWith("127.")));
 * ```
 */
export function publicIpv4Networks(): readonly string[] {
  const closed = PRIVATE_NETWORKS
    .filter((network) => !network.includes(":"))
    .map((network) => {
      const [address = "", bits = "32"] = network.split("/");
      return { first: numberOf(address), size: 2 ** (32 - Number(bits)) };
    });
  const open: string[] = [];
  const divide = (first: number, bits: number): void => {
    const size = 2 ** (32 - bits);
    const inside = closed.filter((network) =>
      network.first < first + size && first < network.first + network.size
    );
    if (inside.length === 0) open.push(`${textOf(first)}/${bits}`);
    else if (
      !inside.some((network) =>
        network.first <= first && first + size <= network.first + network.size
      )
    ) {
      divide(first, bits + 1);
      divide(first + size / 2, bits + 1);
    }
  };
  divide(0, 0);
  return open;
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function textOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256)
    .join(".");
}
