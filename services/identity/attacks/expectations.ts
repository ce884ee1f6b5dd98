import type { Answer } from "./target.ts";

/** The server let something pass that it should have refused, or the reverse. */
export class AttackWorked extends Error {
  override readonly name = "AttackWorked";
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
