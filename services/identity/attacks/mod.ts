/**
 * What must not work, as a list that tests and operators run: each attack is
 * tried on running servers.
 *
 * @module
 */
import type { Attack } from "./attack.ts";
import { clientAttacks } from "./client_attacks.ts";
import { codeAttacks } from "./code_attacks.ts";
import { deviceAttacks } from "./device_attacks.ts";
import { dpopAttacks } from "./dpop_attacks.ts";
import { parAttacks } from "./par_attacks.ts";
import { pkceAttacks } from "./pkce_attacks.ts";
import { redirectUriAttacks } from "./redirect_uri_attacks.ts";
import { refreshAttacks } from "./refresh_attacks.ts";
import { signInAttacks } from "./sign_in_attacks.ts";
import { tokenAttacks } from "./token_attacks.ts";

export type { Attack } from "./attack.ts";
export { AttackWorked } from "./expectations.ts";
export { type PreparedTarget, prepareTarget } from "./prepare_target.ts";
export type { Target } from "./target.ts";

/** All of them, by what they are aimed at. */
export const attacks: Readonly<Record<string, readonly Attack[]>> = {
  "proof keys": pkceAttacks,
  "redirect URIs": redirectUriAttacks,
  "codes": codeAttacks,
  "refresh tokens": refreshAttacks,
  "client authentication": clientAttacks,
  "tokens": tokenAttacks,
  "pushed requests": parAttacks,
  "device codes": deviceAttacks,
  "proofs of possession": dpopAttacks,
  "sign-in": signInAttacks,
};
