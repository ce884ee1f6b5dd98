import { strictEqual, throws } from "node:assert/strict";
import { isLoopback, parseNetworks } from "./cidr.ts";
import { clientAddressOf } from "./client_address.ts";

const trusted = parseNetworks(["10.0.0.0/8", "fd00::/8", "192.0.2.1"]);

Deno.test("clientAddressOf() takes the rightmost hop that is no trusted proxy", () => {
  const of = (peer: string, header: string | null) =>
    clientAddressOf(peer, header, trusted);
  strictEqual(of("10.1.1.1", "6.6.6.6, 203.0.113.9"), "203.0.113.9");
  strictEqual(of("10.1.1.1", "6.6.6.6, 203.0.113.9, 10.9.9.9"), "203.0.113.9");
  strictEqual(of("fd00::1", "2001:db8::5"), "2001:db8::5");
  strictEqual(of("192.0.2.1", "[2001:db8::5]:443"), "2001:db8::5");
  strictEqual(of("192.0.2.1", "203.0.113.9:5678"), "203.0.113.9");
  strictEqual(of("10.1.1.1", "10.2.2.2, 10.3.3.3"), "10.2.2.2");
});

Deno.test("clientAddressOf() believes nothing of a stranger, and no junk", () => {
  const of = (peer: string, header: string | null) =>
    clientAddressOf(peer, header, trusted);
  strictEqual(of("203.0.113.1", "10.0.0.1"), "203.0.113.1");
  strictEqual(of("10.1.1.1", null), "10.1.1.1");
  strictEqual(of("10.1.1.1", ""), "10.1.1.1");
  strictEqual(of("10.1.1.1", "unknown"), "10.1.1.1");
  strictEqual(of("10.1.1.1", "6.6.6.6, <script>, 10.2.2.2"), "10.2.2.2");
});

Deno.test("parseNetworks() refuses what is no network", () => {
  const wrong = [
    "10.0.0.0/33",
    "10.0.0.0/",
    "::/129",
    "host",
    "",
    "1.2.3.4/8/8",
  ];
  for (const cidr of wrong) throws(() => parseNetworks([cidr]), RangeError);
});

Deno.test("isLoopback() knows the machine's own addresses", () => {
  const own = ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"];
  for (const host of own) strictEqual(isLoopback(host), true, host);
  const others = [
    "0.0.0.0",
    "::",
    "127.evil.example",
    "localhost.evil.example",
  ];
  for (const host of others) strictEqual(isLoopback(host), false, host);
});
