import {
  type Cookie,
  createCookie,
  type Form,
  parseForm,
  readForm,
  seeOther,
} from "@mainstay/adapters/http";
import type { RequestContext, Route } from "@mainstay/kernel/lifecycle";
import type { AuthorizationParameters } from "../../domain/authorization_request.ts";
import type { AuthorizationRequestStore } from "../../domain/authorization_request_store.ts";
import { hashSecret, newSecret } from "../../domain/bearer_secret.ts";
import type { Client } from "../../domain/client.ts";
import type { ClientStore } from "../../domain/client_store.ts";
import type {
  IdentityAddresses,
  Lifetimes,
} from "../../domain/identity_settings.ts";
import { OAuthError } from "../../domain/oauth_error.ts";
import type { PushedRequestStore } from "../../domain/pushed_request_store.ts";
import {
  MAX_AUTHORIZATION_BYTES,
  readAuthorizationParameters,
  tryResponseMode,
} from "../../domain/read_authorization_parameters.ts";
import { isRegisteredRedirectUri } from "../../domain/redirect_uri.ts";
import { oauthErrorOf } from "../../http/oauth_endpoint.ts";
import {
  type AnswerTarget,
  authorizationAnswer,
  authorizationRefusal,
  FORM_POST_SCRIPT_PATH,
} from "./authorization_answer.ts";
import { authorizationErrorPage } from "./authorization_error_page.ts";
import { PUSHED_PREFIX } from "./par_route.ts";

/** What the endpoint works with. */
export interface AuthorizeRoutesOptions {
  readonly config: IdentityAddresses & Lifetimes;
  readonly clients: Pick<ClientStore, "find">;
  readonly authorizationRequests: AuthorizationRequestStore;
  readonly pushedRequests: Pick<PushedRequestStore, "consume">;
  readonly now: () => number;
}

/** How long a user may take to sign in. */
const LOGIN_MS = 30 * 60_000;
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/**
 * The authorization endpoint (RFC 6749, 3.1), where a browser comes by twice:
 * sent by the client, and sent back by the identity provider.
 *
 * Between the two nobody but this browser can go on: it has the cookie that it
 * was given at first, and the verifier that the provider gave to whoever signed
 * in. Someone else's sign-in cannot be put under it, nor its own taken away.
 *
 * Until client and redirect URI are known to belong together, every refusal is
 * a page; from then on it is the client's to show.
 */
export function authorizeRoutes(
  options: AuthorizeRoutesOptions,
): readonly Route[] {
  const cookie = createCookie("mainstay_authz", {
    secure: options.config.issuer.startsWith("https:"),
  });
  const answer = async (
    request: Request,
    context: RequestContext,
    read: () => Form | Promise<Form>,
  ) => {
    try {
      const form = await read();
      return form.get("login_verifier") === undefined
        ? await begin(request, form, { ...options, cookie })
        : await finish(request, form, { ...options, cookie });
    } catch (failure) {
      const refusal = oauthErrorOf(failure);
      if (refusal === undefined) throw failure;
      return authorizationErrorPage(refusal, context);
    }
  };
  const doc = {
    summary: "Begins, or ends, a sign-in",
    tags: ["oauth"],
    responses: {
      303: { description: "To the identity provider, or to the client" },
      400: { description: "A page: there is no client to tell" },
    },
  };
  const path = "/oauth2/v1/authorize";
  return [
    {
      method: "GET",
      path,
      crossOrigin: false,
      handle: (request, context) =>
        answer(request, context, () => readQuery(context.url.search)),
      doc,
    },
    {
      method: "POST",
      path,
      crossOrigin: false,
      maxBodyBytes: MAX_AUTHORIZATION_BYTES,
      handle: (request, context) =>
        answer(request, context, () => readForm(request, context)),
      doc,
    },
    {
      method: "GET",
      path: FORM_POST_SCRIPT_PATH,
      handle: () =>
        new Response("document.forms[0].submit();\n", {
          headers: {
            "content-type": "text/javascript; charset=utf-8",
            "cache-control": "public, max-age=86400",
          },
        }),
    },
  ];
}

function readQuery(query: string): Form {
  if (query.length > MAX_AUTHORIZATION_BYTES) {
    throw refusal("the request is too long");
  }
  return parseForm(query);
}

type Tools = AuthorizeRoutesOptions & { readonly cookie: Cookie };

/** From the client: checks what it asks for, and sends the browser to sign in. */
async function begin(
  request: Request,
  form: Form,
  tools: Tools,
): Promise<Response> {
  const { config, cookie, now } = tools;
  const client = await clientOf(form, tools);
  const pushed = await pushedOf(form, client, tools);
  const target = pushed ?? targetOf(form, client);
  let parameters: AuthorizationParameters;
  try {
    parameters = pushed ?? readParameters(form, client, {
      redirectUri: target.redirectUri,
      resourceServer: config.rsUrl,
    });
  } catch (failure) {
    if (!(failure instanceof OAuthError)) throw failure;
    return authorizationRefusal(target, failure, config.issuer);
  }
  const challenge = newSecret();
  const known = cookie.read(request);
  // One cookie for all tabs of a browser: each keeps its own request. A form of
  // another site comes without it, being Lax, and begins anew: sign-ins that
  // were under way in this browser then end with a page. It gains nothing by
  // that; with SameSite=None, which would keep them, it could gain.
  const browser = known !== undefined && SECRET.test(known)
    ? known
    : newSecret();
  await tools.authorizationRequests.create(
    {
      clientId: client.id,
      parameters,
      expiresAt: new Date(now() + LOGIN_MS),
    },
    {
      challengeHash: hashSecret(challenge),
      browserHash: hashSecret(browser),
    },
  );
  return seeOther(
    `${config.idpUrl}/oidc/v1/login?login_challenge=${challenge}`,
    [cookie.write(browser)],
  );
}

/** From the identity provider: gives the client its code, or its refusal. */
async function finish(
  request: Request,
  form: Form,
  tools: Tools,
): Promise<Response> {
  const { config, cookie, now } = tools;
  const browser = cookie.read(request);
  const challenge = form.get("login_challenge");
  const verifier = form.get("login_verifier");
  const code = newSecret();
  const decided = browser === undefined || challenge === undefined ||
      verifier === undefined
    ? undefined
    : await tools.authorizationRequests.consume({
      challengeHash: hashSecret(challenge),
      verifierHash: hashSecret(verifier),
      browserHash: hashSecret(browser),
    }, {
      hash: hashSecret(code),
      expiresAt: new Date(now() + config.codeLifetimeMs),
      grantExpiresAt: new Date(now() + config.grantLifetimeMs),
    });
  if (decided === undefined) {
    throw refusal("this sign-in is over, or began in another browser");
  }
  const { parameters, decision, codeIssued } = decided;
  if ("refused" in decision) {
    const error = new OAuthError(
      decision.refused,
      REFUSALS[decision.refused],
    );
    return authorizationRefusal(parameters, error, config.issuer);
  }
  if (codeIssued) {
    return authorizationAnswer(parameters, { code }, config.issuer);
  }
  const error = new OAuthError(
    "access_denied",
    "Cannot authorize: the sign-in has ended meanwhile",
  );
  return authorizationRefusal(parameters, error, config.issuer);
}

const REFUSALS = {
  access_denied: "Cannot authorize: the user has declined",
  login_required: "Cannot authorize: the user has to sign in",
  consent_required: "Cannot authorize: the user has to consent",
  interaction_required: "Cannot authorize: the user has to be asked",
  account_selection_required:
    "Cannot authorize: the user has to choose an account",
  unmet_authentication_requirements:
    "Cannot authorize: the user cannot sign in as it is asked for",
};

async function clientOf(
  form: Form,
  { clients }: Pick<Tools, "clients">,
): Promise<Client> {
  const [id, ...more] = form.all("client_id");
  const client = id === undefined || more.length > 0
    ? undefined
    : await clients.find(id);
  if (client !== undefined && client.disabledAt === undefined) return client;
  throw refusal("the application is unknown");
}

/** @throws {OAuthError} For the page: without the request there is no address. */
async function pushedOf(
  form: Form,
  client: Client,
  { pushedRequests }: Pick<Tools, "pushedRequests">,
): Promise<AuthorizationParameters | undefined> {
  const [uri, ...more] = form.all("request_uri");
  if (!uri?.startsWith(PUSHED_PREFIX)) return undefined;
  const pushed = more.length > 0 ? undefined : await pushedRequests.consume(
    hashSecret(uri.slice(PUSHED_PREFIX.length)),
    client.id,
  );
  if (
    pushed !== undefined &&
    isRegisteredRedirectUri(pushed.redirectUri, client.redirectUris)
  ) return pushed;
  throw new OAuthError(
    "invalid_request_uri",
    "Cannot authorize: the request is over, or is another application's",
  );
}

function targetOf(form: Form, client: Client): AnswerTarget {
  const [redirectUri, ...more] = form.all("redirect_uri");
  if (
    redirectUri === undefined || more.length > 0 ||
    !isRegisteredRedirectUri(redirectUri, client.redirectUris)
  ) {
    throw refusal("the application has not registered where the answer goes");
  }
  const [state, ...states] = form.all("state");
  return {
    redirectUri,
    responseMode: tryResponseMode(form, redirectUri),
    state: states.length > 0 ? undefined : state,
  };
}

function readParameters(
  form: Form,
  client: Client,
  target: { readonly redirectUri: string; readonly resourceServer: string },
): AuthorizationParameters {
  if (client.requirePar) throw refusal("the client has to push its request");
  return readAuthorizationParameters(form, { client, ...target });
}

function refusal(state: string): OAuthError {
  return new OAuthError("invalid_request", `Cannot authorize: ${state}`);
}
