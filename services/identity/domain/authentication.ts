/**
 * How someone has signed in, in OpenID Connect's words.
 *
 * @module
 */

/** Authentication methods (RFC 8176) that occur here. */
export type AuthenticationMethod =
  /** A password. */
  | "pwd"
  /** A code of an authenticator app, or a recovery code. */
  | "otp"
  /** A passkey: proof of possession of a key. */
  | "pop"
  /** The passkey's device has checked who uses it. */
  | "user"
  /** More than one factor. */
  | "mfa";

/** How sure the sign-in is: one factor, or two. */
export const ACR = { oneFactor: "1", twoFactors: "2" } as const;
export type Acr = (typeof ACR)[keyof typeof ACR];

/** One completed sign-in. */
export interface Authentication {
  readonly acr: Acr;
  readonly amr: readonly AuthenticationMethod[];
}

export const PASSWORD: Authentication = { acr: ACR.oneFactor, amr: ["pwd"] };
export const PASSWORD_AND_CODE: Authentication = {
  acr: ACR.twoFactors,
  amr: ["pwd", "otp", "mfa"],
};
/** Something one has, unlocked by something one is or knows. */
export const PASSKEY: Authentication = {
  acr: ACR.twoFactors,
  amr: ["pop", "user", "mfa"],
};

/**
 * Whether a sign-in is enough for what a client would like best. `acr_values`
 * is a wish (OpenID Connect Core, 3.1.2.1): of values that nobody can meet, or
 * only a user who has set up more, none is insisted on.
 *
 * @param asked In order of preference.
 * @param reachable What the user could reach with what they have set up.
 */
export function meetsAcr(
  acr: string,
  asked: readonly string[],
  reachable: Acr,
): boolean {
  const met = (value: string) => value <= reachable;
  const known = asked.filter((value) =>
    Object.values<string>(ACR).includes(value)
  );
  const wanted = known.find(met);
  return wanted === undefined || acr >= wanted;
}
