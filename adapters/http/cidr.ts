import { BlockList, isIP } from "node:net";

/** Some networks, each written `10.0.0.0/8`, `fd00::/8`, or as one address. */
export interface Networks {
  has(address: string): boolean;
}

/**
 * @throws {RangeError} If one of them is no network.
 */
export function parseNetworks(cidrs: readonly string[]): Networks {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = "", prefix] = cidr.split("/");
    const family = isIP(address);
    const bits = family === 6 ? 128 : 32;
    const length = prefix === undefined ? bits : Number(prefix);
    if (
      family === 0 || cidr.split("/").length > 2 || prefix === "" ||
      !Number.isInteger(length) || length < 0 || length > bits
    ) throw new RangeError("is no address or CIDR network");
    list.addSubnet(address, length, family === 6 ? "ipv6" : "ipv4");
  }
  return {
    has(address) {
      const family = isIP(address);
      return family !== 0 &&
        list.check(address, family === 6 ? "ipv6" : "ipv4");
    },
  };
}

/** An IPv4 address that came over an IPv6 socket, as IPv4; anything else as it is. */
export function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

/** Whether an address is the machine's own. */
export function isLoopback(address: string): boolean {
  const plain = plainAddress(address.replace(/^\[|\]$/g, ""));
  return plain === "::1" || plain === "localhost" ||
    (isIP(plain) === 4 && plain.startsWith("127."));
}
