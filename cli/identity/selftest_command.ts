import {
  attacks,
  AttackWorked,
  prepareTarget,
} from "@mainstay/identity/attacks";
import { OperationalError } from "@mainstay/kernel/errors";
import { defineCommand } from "../command.ts";
import { onInterruption } from "../interruption.ts";
import { openIdentity } from "./open_identity.ts";

interface Result {
  readonly aim: string;
  readonly attack: string;
  readonly held: boolean;
  /** Why it did not. */
  readonly detail?: string;
}

const DEFAULT_ISSUER = "http://localhost:8080";

/** `mainstay identity selftest`. */
export const selftestCommand = defineCommand({
  name: "selftest",
  summary: "Attack the running servers, and say what held",
  help:
    `Tries on the authorization server, the identity provider and the resource
server that run what must not work: codes and refresh tokens used twice or by
others, redirect URIs that are like the registered one, forged tokens,
assertions, proofs and forms, and more. An attack that is refused, while what an
honest client does works, has held.

For that it makes some clients, a user and a session in their database, with
names that begin with "selftest-", and deletes them at the end, also after
Ctrl-C; what one that was killed has left, the next one deletes after an hour. It
takes a few
seconds, guesses no one's password and touches nobody's tokens.

Exit code 1 if an attack has worked, or could not be tried.`,
  examples: [
    "mainstay identity selftest",
    "mainstay identity selftest --issuer https://id.example --json",
  ],
  options: {
    issuer: {
      type: "string",
      value: "<url>",
      description:
        `The authorization server; default: ISSUER, else ${DEFAULT_ISSUER}`,
    },
  },
  async run({ options }, io) {
    using interruption = onInterruption(() => new Interrupted());
    const { signal } = interruption;
    await using identity = await openIdentity();
    const { storage, postgres, env } = identity;
    const issuer = options.issuer ?? env["ISSUER"] ?? DEFAULT_ISSUER;
    await using target = await prepareTarget({
      issuer,
      storage,
      postgres,
      signal,
    });
    const results: Result[] = [];
    for (const [aim, list] of Object.entries(attacks)) {
      io.print(`\n${aim}`);
      for (const { name, run } of list) {
        const detail = await run(target).then(() => undefined, detailOf);
        signal.throwIfAborted();
        const held = detail === undefined;
        results.push({
          aim,
          attack: name,
          held,
          ...(held ? {} : { detail }),
        });
        io.print(held ? `  held    ${name}` : `  FAILED  ${name}: ${detail}`);
      }
    }
    const failed = results.filter(({ held }) => !held).length;
    io.emit({ issuer, attacks: results.length, failed, results });
    io.print(
      `\n${results.length - failed} of ${results.length} held at ${issuer}`,
    );
    return failed === 0 ? 0 : 1;
  },
});

/** Ctrl-C, or SIGTERM. */
class Interrupted extends OperationalError<"interrupted"> {
  constructor() {
    super(
      "interrupted",
      "Cannot finish the self-test: it was interrupted; what it made is deleted",
    );
  }
}

function detailOf(failure: unknown): string {
  if (failure instanceof AttackWorked) return failure.message;
  const text = failure instanceof Error ? failure.message : String(failure);
  return `could not be tried: ${text}`;
}
