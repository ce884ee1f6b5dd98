import { isIP } from "node:net";
import { type Networks, plainAddress } from "./cidr.ts";

/**
 * Who sent a request: the peer itself, or, where the peer is a trusted proxy,
 * the rightmost address of `X-Forwarded-For` that is no trusted proxy.
 *
 * What stands further left was written by whoever sent it and proves nothing.
 * An entry that is no address ends the search at the last good one.
 */
export function clientAddressOf(
  peer: string,
  forwardedFor: string | null,
  trusted: Networks,
): string {
  let client = plainAddress(peer);
  if (forwardedFor === null || !trusted.has(client)) return client;
  for (const hop of forwardedFor.split(",").toReversed()) {
    const address = hopAddress(hop.trim());
    if (address === undefined) return client;
    client = address;
    if (!trusted.has(client)) return client;
  }
  return client;
}

/** Without the port that some proxies add: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function hopAddress(hop: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ??
    /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(hop)?.[1] ?? hop;
  return isIP(bare) === 0 ? undefined : plainAddress(bare);
}
