import { type Cookie, createCookie } from "@mainstay/adapters/http";

/** The cookies of the identity provider. */
export interface IdpCookies {
  /** The session. */
  readonly session: Cookie;
  /** This browser, signed in or not: forms are made for it. */
  readonly browser: Cookie;
  /** Accounts that have signed in with this browser before. */
  readonly device: Cookie;
  /** How far a sign-in has come. */
  readonly trip: Cookie;
  /** The challenge of a passkey ceremony. */
  readonly passkey: Cookie;
}

/** For how long a browser is known to an account. */
export const DEVICE_MS = 400 * 86_400_000;

/** @param url Of the identity provider: without TLS, cookies are without their prefix. */
export function idpCookies(url: string): IdpCookies {
  const secure = new URL(url).protocol === "https:";
  return {
    session: createCookie("mainstay_idp", { secure }),
    browser: createCookie("mainstay_idp_browser", { secure }),
    device: createCookie("mainstay_idp_device", {
      secure,
      maxAgeMs: DEVICE_MS,
    }),
    trip: createCookie("mainstay_idp_trip", { secure }),
    passkey: createCookie("mainstay_idp_passkey", {
      secure,
      sameSite: "Strict",
    }),
  };
}
