import { strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { parseNetworks, plainAddress } from "./cidr.ts";
import { isPrivateAddress, publicIpv4Networks } from "./private_networks.ts";

Deno.test("every IPv4 address is public or private, and never both", () => {
  const open = parseNetworks(publicIpv4Networks());
  const check = (address: string) =>
    strictEqual(
      open.has(plainAddress(address)),
      !isPrivateAddress(address),
      address,
    );
  fc.assert(fc.property(fc.ipV4(), check), { numRuns: 2_000 });
  for (
    const edge of [
      "0.0.0.0",
      "0.255.255.255",
      "1.0.0.0",
      "9.255.255.255",
      "10.0.0.0",
      "11.0.0.0",
      "100.63.255.255",
      "100.64.0.0",
      "100.128.0.0",
      "126.255.255.255",
      "127.0.0.1",
      "128.0.0.0",
      "169.253.255.255",
      "169.254.169.254",
      "172.15.255.255",
      "172.16.0.0",
      "172.32.0.0",
      "192.167.255.255",
      "192.168.0.1",
      "192.169.0.0",
      "223.255.255.255",
      "224.0.0.1",
      "255.255.255.255",
    ]
  ) check(edge);
});
