import type { Target } from "./target.ts";

/** Something that must not work, tried on a running authorization server. */
export interface Attack {
  /** What is tried, in the imperative: "redeem a code twice". */
  readonly name: string;
  /**
   * Returns if the server held, and what an honest client does still works.
   *
   * @throws {AttackWorked} If it did not.
   */
  run(target: Target): Promise<void>;
}

/** The server let something pass that it should have refused, or the reverse. */
export class AttackWorked extends Error {
  override readonly name = "AttackWorked";
}

/** What an endpoint has answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined where the answer is no JSON object. */
  // deno-lint-ignore no-explicit-any -- each attack knows what it asked for
  readonly body: any;
}

/** @throws {AttackWorked} Unless `held`. */
export function mustHold(held: boolean, what: string): void {
  if (!held) throw new AttackWorked(what);
}

/** @throws {AttackWorked} Unless it is a refusal with one of these OAuth codes. */
export function mustRefuse(
  { status, body, text }: Answer,
  ...codes: readonly string[]
): void {
  mustHold(
    status >= 400 && status < 500 && codes.includes(body?.error),
    `expected ${codes.join(" or ")}, got ${status} ${text.slice(0, 200)}`,
  );
}

/** What an honest client does must work, or the attack has shown nothing. */
export function mustAllow({ status, text }: Answer): void {
  mustHold(
    status === 200,
    `an honest request fails: ${status} ${text.slice(0, 200)}`,
  );
}
