import type { Client } from "./client.ts";
import { OAuthError } from "./oauth_error.ts";

/** What a client's tokens may be for. */
export function audiencesOf(
  { audiences }: Pick<Client, "audiences">,
  resourceServer: string,
): readonly string[] {
  return audiences.length > 0 ? audiences : [resourceServer];
}

/**
 * What tokens for the administration of this server are for. Nothing else
 * implies it: a client has it among its audiences.
 */
export function administrationOf(issuer: string): string {
  return `${issuer}/admin/v1`;
}

/**
 * What tokens are to be for: the resources that are named (RFC 8707), or all
 * that may be.
 *
 * @throws {OAuthError} `invalid_target` for any that is not allowed.
 */
export function audiencesAmong(
  resources: readonly string[],
  allowed: readonly string[],
): readonly string[] {
  if (resources.every((one) => allowed.includes(one))) {
    return resources.length > 0 ? [...new Set(resources)] : allowed;
  }
  throw new OAuthError(
    "invalid_target",
    "Cannot give a token for this resource: the client has none for it",
    { facts: { resources, allowed } },
  );
}
