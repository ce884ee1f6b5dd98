import {
  type Config,
  type ConfigMistake,
  defineSettings,
  text,
  url,
} from "@mainstay/kernel/config";

/** Whose bearer tokens a service accepts; see `createAccessTokenVerifier()`. */
export const accessTokenSettings = defineSettings({
  authIssuer: {
    env: "AUTH_ISSUER",
    kind: url(),
    description: "Issuer of the bearer tokens that are accepted",
    optional: true,
  },
  authJwksUrl: {
    env: "AUTH_JWKS_URL",
    kind: url(),
    description: "Where the issuer's keys are",
    optional: true,
  },
  authAudience: {
    env: "AUTH_AUDIENCE",
    kind: text({ max: 255 }),
    description: "Audience that a token must be for",
    optional: true,
  },
});

/** Of the three, all are given or none. */
export function accessTokenMistakes(
  { authIssuer, authJwksUrl, authAudience }: Config<typeof accessTokenSettings>,
): readonly ConfigMistake[] {
  const missing = Object.entries({
    AUTH_ISSUER: authIssuer,
    AUTH_JWKS_URL: authJwksUrl,
    AUTH_AUDIENCE: authAudience,
  }).filter(([, value]) => value === undefined);
  return missing.length === 3 ? [] : missing.map(([name]) => ({
    name,
    detail:
      "is missing: AUTH_ISSUER, AUTH_JWKS_URL and AUTH_AUDIENCE go together",
  }));
}
