import type { Form } from "@mainstay/adapters/http";
import type { RegisteredClient } from "../../domain/client.ts";
import type { CodeStore } from "../../domain/code_store.ts";
import type { DeviceStore } from "../../domain/device_store.ts";
import type {
  IdentityAddresses,
  Lifetimes,
} from "../../domain/identity_settings.ts";
import type { IdentityStorage } from "../../domain/identity_storage.ts";
import type { KeyRing } from "../../domain/key_ring.ts";
import type { TokenAnswer } from "../../domain/mint_tokens.ts";
import { OAuthError } from "../../domain/oauth_error.ts";
import type { Confirmation } from "../../domain/token.ts";
import type { TokenStore } from "../../domain/token_store.ts";

/** What the grants work with. */
export interface TokenGrantOptions {
  readonly config: IdentityAddresses & Lifetimes;
  readonly codes: Pick<CodeStore, "find" | "redeem">;
  readonly devices: Pick<DeviceStore, "poll" | "redeem">;
  readonly tokens: TokenStore;
  readonly atomically: IdentityStorage["atomically"];
  readonly keys: Pick<KeyRing, "current">;
  readonly now: () => number;
}

/** A request for tokens, from a client that has shown who it is. */
export interface TokenRequest {
  readonly client: RegisteredClient;
  readonly form: Form;
  /** The key that the tokens are bound to, which the sender has proved. */
  readonly confirmation?: Confirmation;
}

/** One way to come by tokens. */
export type TokenGrant = (
  request: TokenRequest,
  options: TokenGrantOptions,
) => Promise<TokenAnswer>;

/**
 * What the client is told of a code or token that is not good, whatever is
 * wrong with it.
 *
 * @param reason For the log.
 */
export function invalidGrant(reason: string, clientId: string): OAuthError {
  return new OAuthError(
    "invalid_grant",
    "Cannot give a token: what was presented for it is not good, or not any more",
    { facts: { reason, clientId } },
  );
}

/**
 * Of what was granted, what the client may have yet: an operator may have taken
 * some of it away since.
 *
 * @throws {OAuthError} `invalid_grant` if nothing is left.
 */
export function leftOf(
  granted: readonly string[],
  allowed: readonly string[],
  clientId: string,
): readonly string[] {
  const left = granted.filter((one) => allowed.includes(one));
  if (left.length > 0) return left;
  throw invalidGrant("nothing is left of what was granted", clientId);
}

/**
 * Ends a grant of which something came a second time: then two have it, and
 * one of them has stolen it.
 *
 * @returns What the client is told.
 */
export async function endReplayed(
  { grantId, clientId, reason }: {
    readonly grantId: string;
    readonly clientId: string;
    readonly reason: string;
  },
  { atomically }: Pick<TokenGrantOptions, "atomically">,
): Promise<OAuthError> {
  await atomically(async ({ grants, audit }) => {
    if (await grants.revoke({ grantId }) === 0) return;
    await audit.append({
      action: "grant.revoked",
      actor: `client:${clientId}`,
      subject: `grant:${grantId}`,
      details: { reason },
    });
  });
  return invalidGrant(reason, clientId);
}

/** @throws {OAuthError} `invalid_request` without the field. */
export function requireField(form: Form, name: string): string {
  const value = form.get(name);
  if (value !== undefined) return value;
  throw new OAuthError(
    "invalid_request",
    `Cannot give a token: ${name} is missing`,
  );
}
