/**
 * What a client may be registered as, for whoever registers it: the command
 * line and the HTTP interface alike.
 *
 * @module
 */
import { nearest } from "@mainstay/kernel/config";
import { InvalidInput, type Mistake } from "@mainstay/kernel/errors";
import {
  AUTH_METHODS,
  type Client,
  GRANT_TYPES,
  SIGNING_ALGS,
} from "./client.ts";
import type { NewClient } from "./client_store.ts";
import { redirectUriMistake } from "./redirect_uri.ts";

/** A client as someone describes it: words where there are fixed ones. */
export interface ClientDescription {
  readonly id?: string | undefined;
  readonly name: string;
  /** Default `client_secret_basic`. */
  readonly authMethod?: string | undefined;
  readonly grantTypes?: readonly string[] | undefined;
  readonly redirectUris?: readonly string[] | undefined;
  readonly postLogoutRedirectUris?: readonly string[] | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly audiences?: readonly string[] | undefined;
  readonly firstParty?: boolean | undefined;
  readonly accessTokenAlg?: string | undefined;
  readonly idTokenAlg?: string | undefined;
  readonly requirePar?: boolean | undefined;
  readonly dpopBound?: boolean | undefined;
  readonly mayIntrospect?: boolean | undefined;
  readonly jwks?: NonNullable<Client["jwks"]> | null | undefined;
  readonly jwksUri?: string | null | undefined;
  readonly tlsSubjectDn?: string | null | undefined;
  readonly backchannelLogoutUri?: string | null | undefined;
}

/** What the servers of this installation understand. */
export const KNOWN_SCOPES = [
  "openid",
  "profile",
  "email",
  "offline_access",
  "account",
  "admin",
  "read:resource",
  "write:resource",
  "delete:resource",
] as const;

const MAX_LISTED = 100;
const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";
/** RFC 6749, 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/;
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/**
 * Makes a client of its description.
 *
 * @param newId Makes an id where none is given.
 * @throws {InvalidInput} Naming every mistake and what would be right.
 */
export function newClientOf(
  description: ClientDescription,
  newId: () => string,
): NewClient {
  const { jwks, jwksUri, tlsSubjectDn, backchannelLogoutUri } = description;
  const client = {
    id: description.id ?? newId(),
    name: description.name.trim(),
    authMethod: description.authMethod ?? "client_secret_basic",
    grantTypes: unique(description.grantTypes),
    redirectUris: unique(description.redirectUris),
    postLogoutRedirectUris: unique(description.postLogoutRedirectUris),
    scopes: unique(description.scopes),
    audiences: unique(description.audiences),
    firstParty: description.firstParty ?? false,
    accessTokenAlg: description.accessTokenAlg ?? "EdDSA",
    idTokenAlg: description.idTokenAlg ?? "EdDSA",
    requirePar: description.requirePar ?? false,
    dpopBound: description.dpopBound ?? false,
    mayIntrospect: description.mayIntrospect ?? false,
    ...(jwks ? { jwks } : {}),
    ...(jwksUri ? { jwksUri } : {}),
    ...(tlsSubjectDn ? { tlsSubjectDn } : {}),
    ...(backchannelLogoutUri ? { backchannelLogoutUri } : {}),
  };
  const words = wordMistakes(client);
  const mistakes = [
    ...words,
    ...uriMistakes(client),
    ...scopeMistakes(client),
    ...keyMistakes(client),
    // A word that is not known fits nothing, which is no news.
    ...(words.length === 0 ? fitMistakes(client) : []),
  ];
  if (mistakes.length > 0) {
    throw new InvalidInput(
      mistakes,
      "Cannot register the client: it is described wrongly",
    );
  }
  // The words are the fixed ones, or there was a mistake.
  return client as NewClient;
}

type Candidate =
  & Omit<
    NewClient,
    "authMethod" | "grantTypes" | "accessTokenAlg" | "idTokenAlg"
  >
  & {
    readonly authMethod: string;
    readonly grantTypes: readonly string[];
    readonly accessTokenAlg: string;
    readonly idTokenAlg: string;
  };

function unique(values: readonly string[] = []): string[] {
  return [...new Set(values)];
}

function wordMistakes(client: Candidate): Mistake[] {
  return [
    ...mistakeIf(
      !/^[A-Za-z0-9._~-]{1,100}$/.test(client.id),
      "/id",
      "must be 1 to 100 characters of A-Z a-z 0-9 . _ ~ -",
    ),
    ...mistakeIf(
      !/^\P{Cc}{1,200}$/u.test(client.name),
      "/name",
      "must be 1 to 200 characters on one line; people see it when they agree",
    ),
    ...oneOf(client.authMethod, AUTH_METHODS, "/authMethod"),
    ...client.grantTypes.flatMap((grant, at) =>
      oneOf(grant, GRANT_TYPES, `/grantTypes/${at}`)
    ),
    ...mistakeIf(
      client.grantTypes.length === 0,
      "/grantTypes",
      `must name at least one of ${GRANT_TYPES.join(", ")}`,
    ),
    ...oneOf(client.accessTokenAlg, SIGNING_ALGS, "/accessTokenAlg"),
    ...oneOf(client.idTokenAlg, SIGNING_ALGS, "/idTokenAlg"),
  ];
}

function uriMistakes(client: Candidate): Mistake[] {
  const lists = [
    ["redirectUris", redirectUriMistake],
    ["postLogoutRedirectUris", redirectUriMistake],
    ["audiences", audienceMistake],
  ] as const;
  return [
    ...lists.flatMap(([name, mistakeOf]) => [
      ...client[name].flatMap((uri, at) => {
        const mistake = mistakeOf(uri);
        return mistake === undefined
          ? []
          : [{ pointer: `/${name}/${at}`, detail: mistake }];
      }),
      ...mistakeIf(
        client[name].length > MAX_LISTED,
        `/${name}`,
        `must be at most ${MAX_LISTED}`,
      ),
    ]),
    ...calledMistakes(client.backchannelLogoutUri, "/backchannelLogoutUri"),
    ...calledMistakes(client.jwksUri, "/jwksUri"),
  ];
}

function audienceMistake(uri: string): string | undefined {
  if (!URL.canParse(uri)) return "is no absolute URI";
  if (/[^\x21-\x7e]/.test(uri)) {
    return "has characters that must be percent-encoded";
  }
  return uri.includes("#") ? "has a fragment" : undefined;
}

/** An address that this server itself asks. */
function calledMistakes(uri: string | undefined, pointer: string): Mistake[] {
  if (uri === undefined) return [];
  const mistake = redirectUriMistake(uri) ??
    (/^https?:/i.test(uri) ? undefined : "is no https address");
  return mistake === undefined ? [] : [{ pointer, detail: mistake }];
}

function scopeMistakes({ scopes, audiences, grantTypes }: Candidate) {
  const mistakes = scopes.flatMap((scope, at): Mistake[] => {
    const pointer = `/scopes/${at}`;
    if (!SCOPE.test(scope)) {
      return [{
        pointer,
        detail: 'must be one scope: visible ASCII, without a space, " or \\',
      }];
    }
    // Other resource servers have scopes of their own.
    if (audiences.length > 0) return [];
    return oneOf(scope, KNOWN_SCOPES, pointer).map(({ detail }) => ({
      pointer,
      detail: `${detail}; or name the audience that knows it`,
    }));
  });
  const lasting = scopes.includes("offline_access") &&
    !grantTypes.includes("refresh_token");
  return [
    ...mistakes,
    ...mistakeIf(
      lasting,
      "/grantTypes",
      "must have refresh_token, which the scope offline_access is for",
    ),
  ];
}

function keyMistakes(client: Candidate): Mistake[] {
  const { authMethod, jwks, jwksUri, tlsSubjectDn } = client;
  const needsKeys = authMethod === "private_key_jwt" ||
    authMethod === "self_signed_tls_client_auth";
  const hasKeys = jwks !== undefined || jwksUri !== undefined;
  const isPrivate = (key: Record<string, unknown>) =>
    PRIVATE_MEMBERS.some((member) => member in key);
  return [
    ...mistakeIf(
      needsKeys && !hasKeys,
      "/jwks",
      `must be given, or jwksUri: ${authMethod} needs the client's public keys`,
    ),
    ...mistakeIf(
      jwks !== undefined && jwksUri !== undefined,
      "/jwksUri",
      "must not stand beside jwks: which of them counts would be unclear",
    ),
    ...(jwks?.keys ?? []).flatMap((key, at) =>
      mistakeIf(
        isPrivate(key),
        `/jwks/keys/${at}`,
        "must be a public key: this one holds a secret, which is now to be replaced",
      )
    ),
    ...mistakeIf(
      !canBeKept(jwks),
      "/jwks",
      "must hold no NUL, and no half of a surrogate pair",
    ),
    ...mistakeIf(
      !canBeKept(tlsSubjectDn),
      "/tlsSubjectDn",
      "must hold no NUL, and no half of a surrogate pair",
    ),
    ...mistakeIf(
      (authMethod === "tls_client_auth") !== (tlsSubjectDn !== undefined),
      "/tlsSubjectDn",
      authMethod === "tls_client_auth"
        ? "must be given: tls_client_auth knows the client by it"
        : "must not be given: it is for tls_client_auth alone",
    ),
  ];
}

/** PostgreSQL has no place for some characters. */
function canBeKept(value: unknown): boolean {
  let kept = true;
  JSON.stringify(value, (name, member) => {
    for (const text of [name, member]) {
      if (typeof text !== "string") continue;
      kept &&= text.isWellFormed() && !text.includes("\0");
    }
    return member;
  });
  return kept;
}

/** What does not go together. */
function fitMistakes(client: Candidate): Mistake[] {
  const { authMethod, grantTypes, redirectUris } = client;
  const has = (grant: string) => grantTypes.includes(grant);
  const isPublic = authMethod === "none";
  return [
    ...mistakeIf(
      isPublic && has("client_credentials"),
      "/grantTypes",
      "must not have client_credentials: a client without credentials cannot use it",
    ),
    ...mistakeIf(
      isPublic && client.mayIntrospect,
      "/mayIntrospect",
      "must be false: a client without credentials may not introspect",
    ),
    ...mistakeIf(
      has("authorization_code") && redirectUris.length === 0,
      "/redirectUris",
      "must name at least one, to which codes are sent",
    ),
    ...mistakeIf(
      !has("authorization_code") && redirectUris.length > 0,
      "/redirectUris",
      "must be empty: only authorization_code sends anyone there",
    ),
    ...mistakeIf(
      has("refresh_token") && !has("authorization_code") && !has(DEVICE_CODE),
      "/grantTypes",
      `must have authorization_code or ${DEVICE_CODE}: refresh tokens come of them`,
    ),
  ];
}

function oneOf(
  word: string,
  words: readonly string[],
  pointer: string,
): Mistake[] {
  if (words.includes(word)) return [];
  const near = nearest(word, words);
  const hint = near === undefined
    ? `must be one of ${words.join(", ")}`
    : `is unknown: did you mean ${near}?`;
  return [{ pointer, detail: hint }];
}

function mistakeIf(
  wrong: boolean,
  pointer: string,
  detail: string,
): Mistake[] {
  return wrong ? [{ pointer, detail }] : [];
}
