import type { ClientChange, ClientDescription } from "@mainstay/identity";
import type { OptionSpecs, OptionValues } from "../command.ts";
import { UsageError } from "../usage_error.ts";

const list = (value: string, description: string) =>
  ({ type: "string", multiple: true, value, description }) as const;
const text = (value: string, description: string) =>
  ({ type: "string", value, description }) as const;
const flag = (description: string) =>
  ({ type: "string", value: "<true|false>", description }) as const;

/** What a client is described with; options that may be repeated say so. */
export const CLIENT_OPTIONS = {
  name: text("<name>", "What people see when they agree"),
  grant: list(
    "<grant>",
    "authorization_code, refresh_token, client_credentials or device_code; may be repeated",
  ),
  "redirect-uri": list(
    "<uri>",
    "Where codes are sent, compared character by character; may be repeated",
  ),
  "post-logout-redirect-uri": list(
    "<uri>",
    "Where people land after signing out; may be repeated",
  ),
  scope: list("<scope>", "What it may ask for; may be repeated"),
  audience: list(
    "<uri>",
    "What its tokens are for; default the resource server; may be repeated",
  ),
  "auth-method": text(
    "<method>",
    "How it proves itself: client_secret_basic (the default), client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth, self_signed_tls_client_auth or none",
  ),
  "access-token-alg": text("<alg>", "EdDSA (the default) or RS256"),
  "id-token-alg": text("<alg>", "EdDSA (the default) or RS256"),
  "first-party": flag("Whether people are not asked for consent"),
  "require-par": flag("Whether it must push its requests (RFC 9126)"),
  "dpop-bound": flag("Whether its tokens must be bound by DPoP (RFC 9449)"),
  "may-introspect": flag(
    "Whether it may introspect other clients' tokens for its audiences",
  ),
  "jwks-file": text("<file>", "JSON file with its public keys (RFC 7517)"),
  "jwks-uri": text("<uri>", "Where its public keys are"),
  "tls-subject-dn": text("<dn>", "Of its certificate, for tls_client_auth"),
  "backchannel-logout-uri": text("<uri>", "Told when a session ends"),
} as const satisfies OptionSpecs;

/** Fields that their option names otherwise. */
export const CLIENT_FIELD_OPTIONS = {
  grantTypes: "--grant",
  redirectUris: "--redirect-uri",
  postLogoutRedirectUris: "--post-logout-redirect-uri",
  scopes: "--scope",
  audiences: "--audience",
  jwks: "--jwks-file",
} as const;

/** Shorter than its name in the protocol. */
const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";

/**
 * The fields that options give; undefined for what was not given.
 *
 * @throws {UsageError} For a file that holds no JSON, or a flag that is neither.
 */
export function clientFields(
  options: OptionValues<typeof CLIENT_OPTIONS>,
): ClientChange {
  const given = (values: readonly string[]) =>
    values.length === 0 ? undefined : values;
  return {
    name: options.name,
    authMethod: options["auth-method"],
    grantTypes: given(
      options.grant.map((grant) =>
        grant === "device_code" ? DEVICE_CODE : grant
      ),
    ),
    redirectUris: given(options["redirect-uri"]),
    postLogoutRedirectUris: given(options["post-logout-redirect-uri"]),
    // `--scope "a b"` as well, which is how OAuth writes them.
    scopes: given(options.scope.flatMap((scope) => scope.split(" "))),
    audiences: given(options.audience),
    firstParty: flagOf(options, "first-party"),
    accessTokenAlg: options["access-token-alg"],
    idTokenAlg: options["id-token-alg"],
    requirePar: flagOf(options, "require-par"),
    dpopBound: flagOf(options, "dpop-bound"),
    mayIntrospect: flagOf(options, "may-introspect"),
    jwks: readJwks(options["jwks-file"]),
    jwksUri: options["jwks-uri"],
    tlsSubjectDn: options["tls-subject-dn"],
    backchannelLogoutUri: options["backchannel-logout-uri"],
  };
}

function flagOf<Name extends string>(
  options: Readonly<Record<Name, string | undefined>>,
  name: Name,
): boolean | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  if (text === "true" || text === "false") return text === "true";
  throw new UsageError(`--${name} needs true or false`);
}

function readJwks(file: string | undefined): ClientDescription["jwks"] {
  if (file === undefined) return undefined;
  try {
    const { keys } = JSON.parse(Deno.readTextFileSync(file));
    if (Array.isArray(keys) && keys.every((key) => key instanceof Object)) {
      return { keys };
    }
  } catch (failure) {
    if (failure instanceof Deno.errors.NotFound) {
      throw new UsageError(`--jwks-file cannot be read: there is no ${file}`);
    }
  }
  throw new UsageError(
    `--jwks-file needs a file with a key set, {"keys": […]}: ${file} holds none`,
  );
}
