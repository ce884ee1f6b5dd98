import type { Logger } from "@mainstay/kernel/logging";
import type {
  IdentityAddresses,
  Lifetimes,
} from "../../domain/identity_settings.ts";
import type { IdentityStorage } from "../../domain/identity_storage.ts";
import type { KeyEncryption } from "@mainstay/kernel/encryption";
import type { PasswordHasher } from "../../domain/password_hasher.ts";
import type { PasswordSignIn } from "../../domain/password_sign_in.ts";
import type { SecondFactor } from "../../domain/second_factor.ts";
import type { IdpCookies } from "./cookies.ts";
import type { IdpEvents } from "./events.ts";
import type { OpenVisit } from "./visit.ts";

/** What the identity provider's routes work with. */
export interface Idp {
  readonly config: IdentityAddresses & Lifetimes & {
    readonly signUp: boolean;
  };
  readonly storage: IdentityStorage;
  readonly encryption: KeyEncryption;
  readonly hasher: PasswordHasher;
  readonly passwordSignIn: PasswordSignIn;
  readonly secondFactor: SecondFactor;
  readonly cookies: IdpCookies;
  readonly openVisit: OpenVisit;
  readonly events: IdpEvents;
  readonly log: Logger;
  readonly now: () => number;
}
