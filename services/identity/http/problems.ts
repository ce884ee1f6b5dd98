import { httpProblems, type ProblemTable } from "@mainstay/adapters/http";
import type { DatabaseFailureCode } from "@mainstay/adapters/postgres";
import type { ClientExists } from "../domain/client_exists.ts";
import type { KeyEncryptionFailure } from "../domain/key_encryption_failure.ts";

type Code =
  | keyof typeof httpProblems
  | DatabaseFailureCode
  | ClientExists["code"]
  | KeyEncryptionFailure["code"];

const UNAVAILABLE = { status: 503, title: "Database unavailable" };

/** How each expected failure is answered where OAuth has no form of its own. */
export const identityProblems: ProblemTable<Code> = {
  ...httpProblems,
  "database-unavailable": UNAVAILABLE,
  "database-overloaded": UNAVAILABLE,
  "database-access-denied": UNAVAILABLE,
  "database-missing": UNAVAILABLE,
  "database-timeout": UNAVAILABLE,
  "database-conflict": UNAVAILABLE,
  // Not 503: clients repeat a 503 by themselves, and this may have been done.
  "database-outcome-unknown": { status: 504, title: "Outcome unknown" },
  "client-exists": { status: 409, title: "Client exists" },
  "key-encryption-failure": { status: 500, title: "Key unavailable" },
};
