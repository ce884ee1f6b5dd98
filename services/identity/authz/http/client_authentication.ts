import type { Form } from "@mainstay/adapters/http";
import {
  type Clock,
  type RequestContext,
  sleep,
} from "@mainstay/kernel/lifecycle";
import { equalHashes, hashSecret } from "../../domain/bearer_secret.ts";
import type { AuthMethod, RegisteredClient } from "../../domain/client.ts";
import {
  type AssertionRules,
  type VerifiedAssertion,
  verifyWithKeys,
  verifyWithSecrets,
} from "../../domain/client_assertion.ts";
import { isRegistered, namesClient } from "../../domain/client_certificate.ts";
import { openClientSecrets } from "../../domain/client_secret.ts";
import type { ClientStore } from "../../domain/client_store.ts";
import type { KeyEncryption } from "@mainstay/kernel/encryption";
import { OAuthError } from "../../domain/oauth_error.ts";
import type { ReplayGuard } from "../../domain/replay_guard.ts";
import type { ClientKeys } from "./client_keys.ts";
import {
  type PresentedCredentials,
  presentedCredentials,
} from "./presented_credentials.ts";

/** Finds out which client a request is from. */
export type AuthenticateClient = (
  request: { readonly headers: Headers },
  form: Form,
  /** Holds the certificate of a client that shows one. */
  context: Pick<RequestContext, "url" | "clientCertificate">,
) => Promise<RegisteredClient>;

/** What clients are authenticated with. */
export interface ClientAuthenticationOptions {
  readonly issuer: string;
  readonly clients: ClientStore;
  readonly keys: ClientKeys;
  readonly encryption: KeyEncryption;
  readonly replays: ReplayGuard;
  readonly clock: Clock;
}

/** What came with the request, besides the client's name. */
interface Evidence {
  readonly given: PresentedCredentials;
  readonly client: RegisteredClient;
  readonly context: Parameters<AuthenticateClient>[2];
}

/** A check by one method: undefined, or why the client is refused. */
type Check = (evidence: Evidence) => Promise<string | undefined>;

/**
 * No refusal comes sooner: whether there is such a client, by which method it
 * is known and what of the credentials was wrong then take the same time.
 */
const REFUSAL_MS = 25;

/**
 * Creates the check of who a client is (RFC 6749, 2.3), by the one method that
 * the client is registered with.
 */
export function createClientAuthentication(
  options: ClientAuthenticationOptions,
): AuthenticateClient {
  const { clients, clock } = options;
  const checks = createChecks(options);
  return async (request, form, context) => {
    const startedMs = clock.elapsed();
    const authorization = request.headers.get("authorization");
    const given = presentedCredentials(authorization, form);
    const judge = async (client: RegisteredClient | undefined) =>
      client === undefined
        ? "unknown client"
        : client.disabledAt !== undefined
        ? "disabled client"
        : await checks[client.authMethod]({ given, client, context });
    const remembered = await clients.find(given.clientId);
    if (await judge(remembered) === undefined) return remembered!;
    // Its secret may have been rotated this second, by another process.
    const client = await clients.find(given.clientId, { fresh: true });
    const reason = await judge(client);
    if (reason === undefined) return client!;
    await sleep(
      Math.max(0, startedMs + REFUSAL_MS - clock.elapsed()),
      { clock },
    );
    throw new OAuthError(
      "invalid_client",
      "Cannot authenticate the client: its credentials are wrong",
      { facts: { reason, clientId: given.clientId } },
    );
  };
}

function createChecks(
  { issuer, keys, encryption, replays, clock }: ClientAuthenticationOptions,
): Readonly<Record<AuthMethod, Check>> {
  const bySecret: Check = ({ given, client }) =>
    Promise.resolve(
      !("secret" in given) || given.kind !== client.authMethod
        ? "other method"
        : hasSecret(client, given.secret)
        ? undefined
        : "wrong secret",
    );

  /** By a signature, and that once. */
  function byAssertion(
    verify: (
      assertion: string,
      client: RegisteredClient,
      rules: AssertionRules,
    ) => Promise<VerifiedAssertion | undefined>,
  ): Check {
    return async ({ given, client, context }) => {
      if (given.kind !== "assertion") return "other method";
      const verified = await verify(given.assertion, client, {
        clientId: client.id,
        audiences: [
          issuer,
          `${issuer}/oauth2/v1/token`,
          `${issuer}${context.url.pathname}`,
        ],
        nowMs: clock.now(),
      });
      if (verified === undefined) return "assertion does not hold";
      const { jti, deadAt } = verified;
      return await replays.firstUse(`assertion ${client.id} ${jti}`, deadAt)
        ? undefined
        : "assertion seen before";
    };
  }

  return {
    client_secret_basic: bySecret,
    client_secret_post: bySecret,
    client_secret_jwt: byAssertion((assertion, client, rules) =>
      verifyWithSecrets(
        assertion,
        openClientSecrets(client.secrets, encryption),
        rules,
      )
    ),
    private_key_jwt: byAssertion(async (assertion, client, rules) => {
      const known = await keys.of(client);
      const verified = await verifyWithKeys(assertion, known, rules);
      if (verified !== undefined) return verified;
      const renewed = await keys.renewed(client);
      return renewed && await verifyWithKeys(assertion, renewed, rules);
    }),
    tls_client_auth: ({ given, client, context: { clientCertificate } }) =>
      Promise.resolve(
        given.kind !== "name"
          ? "other method"
          : clientCertificate && namesClient(clientCertificate, client)
          ? undefined
          : "wrong certificate",
      ),
    async self_signed_tls_client_auth({ given, client, context }) {
      if (given.kind !== "name") return "other method";
      const { clientCertificate } = context;
      if (clientCertificate === undefined) return "wrong certificate";
      if (isRegistered(clientCertificate, await keys.of(client))) {
        return undefined;
      }
      const renewed = await keys.renewed(client);
      return renewed && isRegistered(clientCertificate, renewed)
        ? undefined
        : "wrong certificate";
    },
    none: ({ given }) =>
      Promise.resolve(given.kind === "name" ? undefined : "other method"),
  };
}

function hasSecret(client: RegisteredClient, secret: string): boolean {
  const hash = hashSecret(secret);
  // Every one of them, so that the time does not tell which one it is.
  return client.secrets.filter((known) => equalHashes(known.hash, hash))
    .length > 0;
}
