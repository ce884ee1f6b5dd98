import type { IdentityAddresses } from "../../domain/identity_settings.ts";

/**
 * What the console's page may do: run and style with this server's files alone,
 * and talk to the servers that it is for. Nothing inline, no code from text, no
 * frame around it, no form that leaves it. Svelte puts its templates into the
 * page through one policy of Trusted Types; nobody else may.
 */
export function pagePolicy(
  { issuer, idpUrl, rsUrl }: IdentityAddresses,
): Readonly<Record<string, string>> {
  const servers = [...new Set([issuer, idpUrl, rsUrl])].join(" ");
  return {
    "content-security-policy": [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      `connect-src 'self' ${servers}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types svelte-trusted-html",
    ].join("; "),
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
  };
}
