import {
  deepStrictEqual as assertEquals,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { openTargets, vetTarget } from "./vet_target.ts";

const nothing = openTargets([]);

const vet = (url: string, addresses: readonly string[] = []) =>
  vetTarget(url, {
    open: nothing,
    resolve: () => Promise.resolve(addresses),
  });

const refused = (url: string, addresses: readonly string[] = []) =>
  rejects(
    vet(url, addresses),
    { name: "StepRefused", code: "address-refused" },
    `${url} ${addresses}`,
  );

/** An address of each range that is not the public internet's. */
const INSIDE = [
  "0.0.0.0",
  "0.1.2.3",
  "10.0.0.1",
  "10.255.255.255",
  "100.64.0.1",
  "100.127.255.254",
  "127.0.0.1",
  "127.255.255.254",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.1",
  "192.0.2.1",
  "192.168.0.1",
  "192.168.255.255",
  "198.18.0.1",
  "198.19.255.255",
  "198.51.100.1",
  "203.0.113.1",
  "224.0.0.1",
  "239.255.255.255",
  "240.0.0.1",
  "255.255.255.255",
];

/** The ways in which a URL may write an IPv4 address. */
function notations(address: string): string[] {
  const parts = address.split(".").map(Number);
  const [a = 0, b = 0, c = 0, d = 0] = parts;
  const whole = ((a * 256 + b) * 256 + c) * 256 + d;
  const hex = (value: number) => `0x${value.toString(16)}`;
  const octal = (value: number) => `0${value.toString(8)}`;
  const groups = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  return [
    address,
    `${address}.`,
    `${whole}`,
    hex(whole),
    octal(whole),
    parts.map(hex).join("."),
    parts.map(octal).join("."),
    `${a}.${(b * 256 + c) * 256 + d}`,
    `${a}.${b}.${c * 256 + d}`,
    encodeURIComponent(address).replaceAll(".", "%2E"),
    address.replaceAll(".", "。"),
    `[::ffff:${address}]`,
    `[::ffff:${groups}]`,
    `[64:ff9b::${groups}]`,
    `[64:ff9b:1::${groups}]`,
    `[2002:${groups}::1]`,
    `[::${groups}]`,
  ];
}

Deno.test("vetTarget() refuses every private, loopback, link-local, CGNAT and multicast range in every notation, IPv6 mapped and NAT64 too", async () => {
  for (const address of INSIDE) {
    for (const host of notations(address)) {
      await refused(`http://${host}/`);
      await refused(`https://${host}:8443/`);
    }
  }
});

Deno.test("vetTarget() refuses IPv6 altogether", async () => {
  for (
    const host of ["::1", "::", "fe80::1", "fc00::1", "ff02::1", "2606:4700::1"]
  ) {
    await refused(`http://[${host}]/`);
    await refused("http://named.example/", [host]);
  }
});

Deno.test("vetTarget() refuses a name that leads inside, be it localhost., or one address of many", async () => {
  for (const name of ["localhost", "localhost.", "LOCALHOST", "a.localhost"]) {
    await refused(`http://${name}/`, ["127.0.0.1"]);
  }
  for (const address of INSIDE) {
    await refused("https://api.example/", [address]);
    await refused("https://api.example/", ["93.184.216.34", address]);
  }
});

Deno.test("vetTarget() gives the address that it has judged, so that a name which leads elsewhere the next moment gains nothing", async () => {
  const answers = [["93.184.216.34"], ["127.0.0.1"]];
  let asked = 0;
  const resolve = () => Promise.resolve(answers[asked++] ?? []);
  const target = await vetTarget("https://rebinding.example/x", {
    open: nothing,
    resolve,
  });
  assertEquals([target.address, target.port, asked], ["93.184.216.34", 443, 1]);
});

Deno.test("vetTarget() refuses credentials in the URL, other schemes, and what is no URL", async () => {
  for (
    const url of [
      "http://user:pass@93.184.216.34/",
      "http://93.184.216.34@127.0.0.1/",
      "http://user@93.184.216.34/",
      "file:///etc/passwd",
      "ftp://93.184.216.34/",
      "gopher://93.184.216.34/",
      "data:text/plain,x",
      "javascript:alert(1)",
      "unix:/var/run/docker.sock",
      "//93.184.216.34/",
      "/etc/passwd",
      "",
      "http://",
    ]
  ) {
    await refused(url);
  }
});

Deno.test("openTargets() opens what an operator has named, on its port alone", async () => {
  const open = openTargets(["127.0.0.1:9000", "10.1.0.0/16"]);
  const opened = async (url: string) =>
    await vetTarget(url, { open, resolve: () => Promise.resolve([]) })
      .then(() => true, () => false);
  strictEqual(await opened("http://127.0.0.1:9000/"), true);
  // PostgreSQL's, beside it.
  strictEqual(await opened("http://127.0.0.1:5432/"), false);
  strictEqual(await opened("http://127.0.0.2:9000/"), false);
  strictEqual(await opened("http://10.1.255.255:1/"), true);
  strictEqual(await opened("http://10.2.0.0/"), false);
});
