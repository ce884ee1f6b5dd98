import {
  httpProblems,
  type IdentityUnavailable,
  type ProblemTable,
} from "@mainstay/adapters/http";
import { databaseProblems } from "@mainstay/adapters/postgres";
import type { KeyEncryptionFailure } from "@mainstay/kernel/encryption";
import { OperationalError } from "@mainstay/kernel/errors";

/** There is no such hook, or its workflow was never published. */
export class HookNotFound extends OperationalError<"hook-not-found"> {
  constructor() {
    super("hook-not-found", "Cannot take the webhook: there is no such hook");
  }
}

/** The sender did not show that the webhook is its. */
export class SignatureRefused extends OperationalError<"signature-refused"> {
  /** @param fault For the log: an answer would help to guess. */
  constructor(fault: string) {
    super(
      "signature-refused",
      "Cannot take the webhook: its signature is missing, wrong or too old",
      { facts: { fault } },
    );
  }
}

type Code =
  | keyof typeof httpProblems
  | keyof typeof databaseProblems
  | HookNotFound["code"]
  | SignatureRefused["code"]
  | IdentityUnavailable["code"]
  | KeyEncryptionFailure["code"];

/** How each expected failure of MeshHook is answered. */
export const meshhookProblems: ProblemTable<Code> = {
  ...httpProblems,
  ...databaseProblems,
  "hook-not-found": { status: 404, title: "No such hook" },
  "signature-refused": { status: 401, title: "Signature refused" },
  "identity-unavailable": { status: 503, title: "Identity unavailable" },
  "key-encryption-failure": { status: 500, title: "Key unavailable" },
};
