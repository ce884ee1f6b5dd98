import { httpProblems, type ProblemTable } from "@mainstay/adapters/http";
import { databaseProblems } from "@mainstay/adapters/postgres";
import type { ClientExists } from "../domain/client_exists.ts";
import type { HashingOverloaded } from "@mainstay/adapters/passwords";
import type { IssuerUnavailable } from "./issuer_keys.ts";
import type { KeyEncryptionFailure } from "@mainstay/kernel/encryption";
import type { TooManyAttempts } from "../domain/attempt_guard.ts";
import type { SignInExpired } from "../domain/sign_in_expired.ts";
import type { WeakPassword } from "../domain/password_rules.ts";
import type { UserExists } from "../domain/user_exists.ts";

type Code =
  | keyof typeof httpProblems
  | keyof typeof databaseProblems
  | ClientExists["code"]
  | HashingOverloaded["code"]
  | IssuerUnavailable["code"]
  | KeyEncryptionFailure["code"]
  | UserExists["code"]
  | SignInExpired["code"]
  | TooManyAttempts["code"]
  | WeakPassword["code"];

/** How each expected failure is answered where OAuth has no form of its own. */
export const identityProblems: ProblemTable<Code> = {
  ...httpProblems,
  ...databaseProblems,
  "hashing-overloaded": { status: 503, title: "Too many sign-ins" },
  "user-exists": { status: 409, title: "User exists" },
  "sign-in-expired": { status: 400, title: "Sign-in has ended" },
  "too-many-attempts": { status: 429, title: "Too many attempts" },
  "weak-password": { status: 422, title: "Weak password" },
  "identity-unavailable": { status: 503, title: "Issuer unavailable" },
  "client-exists": { status: 409, title: "Client exists" },
  "key-encryption-failure": { status: 500, title: "Key unavailable" },
};
