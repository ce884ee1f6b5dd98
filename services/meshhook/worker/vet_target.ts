import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { isPrivateAddress } from "@mainstay/adapters/http";
import { StepRefused } from "./step_values.ts";

/** Where a request goes, after its name was resolved and judged. */
export interface VettedTarget {
  readonly url: URL;
  /** The address that was judged: the one that is connected to. */
  readonly address: string;
  readonly port: number;
}

/** Inside addresses that an operator has opened. */
export interface OpenTargets {
  has(address: string, port: number): boolean;
}

/** Resolves a name to its IPv4 addresses. */
export type ResolveName = (name: string) => Promise<readonly string[]>;

/** Asks the system's resolver. */
export const resolveName: ResolveName = async (name) =>
  (await lookup(name, { all: true, family: 4 })).map(({ address }) => address);

/**
 * Judges the address that a URL leads to, before anything is sent.
 *
 * Only public IPv4 addresses and those that an operator has opened; the request
 * goes to the address that was judged, so a name that resolves to another the
 * next moment gains nothing.
 *
 * @throws {StepRefused} `address-refused`, `name-unresolved`: never with the address.
 */
export async function vetTarget(
  text: string,
  { open, resolve = resolveName }: {
    readonly open: OpenTargets;
    readonly resolve?: ResolveName;
  },
): Promise<VettedTarget> {
  const refuse = (state: string) =>
    new StepRefused("address-refused", `The address is refused: ${state}`);
  if (!URL.canParse(text)) throw refuse("it is no URL");
  const url = new URL(text);
  const { protocol, username, password } = url;
  if (protocol !== "https:" && protocol !== "http:") {
    throw refuse("it is neither http nor https");
  }
  if (username !== "" || password !== "") throw refuse("it holds credentials");
  const port = Number(url.port) || (protocol === "https:" ? 443 : 80);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const addresses = isIP(host) === 0 ? await resolved(host, resolve) : [host];
  const address = addresses.find((candidate) => open.has(candidate, port)) ??
    addresses.find((candidate) =>
      isIP(candidate) === 4 && !isPrivateAddress(candidate)
    );
  // One bad address among good ones is a trap for whoever picks another.
  const allowed = address !== undefined &&
    addresses.every((candidate) =>
      !isPrivateAddress(candidate) || open.has(candidate, port)
    );
  if (!allowed) throw refuse("it is not on the public internet");
  return { url, address, port };
}

async function resolved(
  name: string,
  resolve: ResolveName,
): Promise<readonly string[]> {
  try {
    return await resolve(name);
  } catch {
    throw new StepRefused("name-unresolved", "The host's name is not resolved");
  }
}

/**
 * Reads what an operator has opened: `10.1.0.0/16` on every port,
 * `127.0.0.1:9000` on one.
 */
export function openTargets(targets: readonly string[]): OpenTargets {
  const ranges = targets.map((target) => {
    const [, address = "", bits = "32", port] =
      /^(\d+\.\d+\.\d+\.\d+)(?:\/(\d+))?(?::(\d+))?$/.exec(target) ?? [];
    const size = 2 ** (32 - Number(bits));
    const first = Math.floor(numberOf(address) / size) * size;
    return { first, size, port: port === undefined ? undefined : Number(port) };
  });
  return {
    has(address, port) {
      if (isIP(address) !== 4) return false;
      const value = numberOf(address);
      return ranges.some((range) =>
        range.first <= value && value < range.first + range.size &&
        (range.port === undefined || range.port === port)
      );
    },
  };
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}
