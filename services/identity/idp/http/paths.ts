/** Where everything of the identity provider is. */
export const PATHS = {
  login: "/oidc/v1/login",
  secondFactor: "/oidc/v1/login/code",
  passkeySignIn: "/oidc/v1/login/passkey",
  passkeySignInOptions: "/oidc/v1/login/passkey/options",
  consent: "/oidc/v1/consent",
  userinfo: "/oidc/v1/userinfo",
  logout: "/oidc/v1/logout",
  endSession: "/oidc/v1/endsession",
  device: "/oidc/v1/device",
  signUp: "/sign-up",
  resetPassword: "/reset-password",
  newPassword: "/reset-password/new",
  verifyEmail: "/verify-email",
  account: "/account",
  profile: "/account/profile",
  password: "/account/password",
  totp: "/account/authenticator",
  removeTotp: "/account/authenticator/remove",
  recoveryCodes: "/account/recovery-codes",
  passkeys: "/account/passkeys",
  passkeyOptions: "/account/passkeys/options",
  removePasskey: "/account/passkeys/remove",
  endOne: "/account/sessions/end",
  endOthers: "/account/sessions/end-others",
  revokeApp: "/account/apps/revoke",
} as const;

/** Pages that a sign-in may lead to, and nothing else. */
const RETURN =
  /^\/(?:account(?:\/[a-z-]+)*|oidc\/v1\/device(?:\?user_code=[A-Za-z0-9-]{1,20})?)$/;

/** A page of this server to go on to; undefined for anything else. */
export function tryParseReturn(path: string | undefined): string | undefined {
  return path !== undefined && RETURN.test(path) ? path : undefined;
}
