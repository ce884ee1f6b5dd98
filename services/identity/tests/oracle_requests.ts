import { Browser } from "./browser.ts";
import { authorizeParameters, PKCE } from "./browser_trip.ts";

/** An authorization server, by what both have under other names. */
export interface OracleSubject {
  /** Where it is; browsers are sent nowhere else but to clients. */
  readonly url: string;
  readonly paths: Readonly<
    Record<
      | "authorize"
      | "token"
      | "introspect"
      | "revoke"
      | "par"
      | "device",
      string
    >
  >;
  readonly userinfo: string;
  /** The secret of `app`, `other` and `limited`. */
  readonly secrets: Readonly<Record<string, string>>;
  /** A browser of a user who is signed in. */
  signedIn(): Promise<Browser>;
}

/** What is asked; the answer's class is compared. */
export interface OracleRequest {
  readonly name: string;
  ask(subject: OracleSubject): Promise<string>;
}

type Fields = Readonly<Record<string, string | undefined>>;

function form(fields: Fields, repeated: Fields = {}): URLSearchParams {
  const pairs = [...Object.entries(fields), ...Object.entries(repeated)];
  return new URLSearchParams(
    pairs.filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

/** Status class and OAuth error, the two that clients act on. */
async function classOf(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  const text = await response.text();
  const body = text.startsWith("{") ? JSON.parse(text) : {};
  const status = `${Math.floor(response.status / 100)}xx`;
  if (body.active !== undefined) return `${status} active=${body.active}`;
  // Of a protected resource it is in the header (RFC 6750, 3).
  const challenge = response.headers.get("www-authenticate") ?? "";
  const error = body.error ?? /error="([^"]+)"/.exec(challenge)?.[1];
  return error === undefined ? status : `${status} ${error}`;
}

function post(
  subject: OracleSubject,
  path: keyof OracleSubject["paths"],
  body: URLSearchParams | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${subject.url}${subject.paths[path]}`, {
    method: "POST",
    body,
    headers,
    redirect: "manual",
  });
}

function credentials(subject: OracleSubject, id = "app"): Fields {
  return { client_id: id, client_secret: subject.secrets[id] };
}

function authorizeUrl(
  { url, paths }: OracleSubject,
  changes: Fields = {},
  repeated: Fields = {},
): string {
  const query = form({ ...authorizeParameters, ...changes }, repeated);
  return `${url}${paths.authorize}?${query}`;
}

/** Where a browser ends: at a client with a code or an error, at a sign-in, or on a page. */
async function ending(browser: Browser, url: string): Promise<string> {
  const page = await browser.open(url);
  if (page.status === 0) {
    const { hash, searchParams: query } = page.url;
    const searchParams = hash ? new URLSearchParams(hash.slice(1)) : query;
    if (!searchParams.has("iss")) return "client, without iss";
    return `client ${searchParams.get("error") ?? "code"}`;
  }
  if (/login|interaction/.test(page.url.pathname)) return "sign-in";
  return `page ${Math.floor(page.status / 100)}xx`;
}

async function newCode(subject: OracleSubject): Promise<string> {
  const browser = await subject.signedIn();
  const page = await browser.open(authorizeUrl(subject));
  const code = page.url.searchParams.get("code");
  if (code === null) throw new Error(`Cannot get a code: ${page.url}`);
  return code;
}

function redemption(
  subject: OracleSubject,
  code: string,
  changes: Fields = {},
): Promise<Response> {
  return post(
    subject,
    "token",
    form({
      ...credentials(subject),
      grant_type: "authorization_code",
      code,
      code_verifier: PKCE.verifier,
      redirect_uri: authorizeParameters.redirect_uri,
      ...changes,
    }),
  );
}

function authorizing(
  name: string,
  changes: Fields,
  repeated: Fields = {},
): OracleRequest {
  return {
    name: `authorize: ${name}`,
    ask: (subject) =>
      ending(new Browser(), authorizeUrl(subject, changes, repeated)),
  };
}

function token(
  name: string,
  fields: Fields,
  headers: Readonly<Record<string, string>> = {},
): OracleRequest {
  return {
    name: `token: ${name}`,
    ask: (subject) =>
      classOf(
        post(
          subject,
          "token",
          form({
            ...credentials(subject),
            grant_type: "client_credentials",
            ...fields,
          }),
          headers,
        ),
      ),
  };
}

function redeeming(
  name: string,
  changes: (subject: OracleSubject) => Fields,
): OracleRequest {
  return {
    name: `code: ${name}`,
    ask: async (subject) =>
      await classOf(
        redemption(subject, await newCode(subject), changes(subject)),
      ),
  };
}

async function newRefreshToken(subject: OracleSubject): Promise<string> {
  const code = await newCode(subject);
  const answer = await (await redemption(subject, code)).json();
  if (!answer.refresh_token) {
    throw new Error(`Cannot get a refresh token: ${JSON.stringify(answer)}`);
  }
  return answer.refresh_token;
}

function refreshing(name: string, changes: Fields): OracleRequest {
  return {
    name: `refresh: ${name}`,
    async ask(subject) {
      const id = changes["client_id"] ?? "app";
      const body = form({
        grant_type: "refresh_token",
        refresh_token: await newRefreshToken(subject),
        ...changes,
        ...credentials(subject, id),
      });
      return await classOf(post(subject, "token", body));
    },
  };
}

const basic = (text: string) => ({ authorization: `Basic ${btoa(text)}` });
const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";

/** What both are asked. */
export const oracleRequests: readonly OracleRequest[] = [
  authorizing("as it should be", {}),
  authorizing("an unknown client", { client_id: "nobody" }),
  authorizing("no client", { client_id: undefined }),
  authorizing("an unregistered redirect URI", {
    redirect_uri: "https://evil.example/cb",
  }),
  authorizing("a redirect URI with a slash more", {
    redirect_uri: "https://app.example/cb/",
  }),
  authorizing("no redirect URI", { redirect_uri: undefined }),
  authorizing("response_type token", { response_type: "token" }),
  authorizing("no response_type", { response_type: undefined }),
  authorizing("no scope", { scope: undefined }),
  authorizing("an unknown scope", { scope: "openid unknown" }),
  authorizing("no challenge", { code_challenge: undefined }),
  authorizing("the method plain", { code_challenge_method: "plain" }),
  authorizing("no method", { code_challenge_method: undefined }),
  authorizing("a short challenge", { code_challenge: "short" }),
  authorizing("prompt none, signed out", { prompt: "none" }),
  authorizing("prompt none and login", { prompt: "none login" }),
  authorizing("an unknown prompt", { prompt: "dance" }),
  authorizing("max_age below zero", { max_age: "-1" }),
  authorizing("a scope that comes twice", {}, { scope: "openid" }),
  authorizing("a request object", { request: "eyJhbGciOiJub25lIn0.e30." }),
  authorizing("a request URI of elsewhere", {
    request_uri: "https://evil.example/request",
  }),
  authorizing("an unknown response_mode", { response_mode: "pigeon" }),
  authorizing("response_mode fragment", { response_mode: "fragment" }),
  authorizing("a resource that it does not know", {
    resource: "https://evil.example",
  }),
  {
    name: "authorize: signed in",
    ask: async (subject) =>
      await ending(await subject.signedIn(), authorizeUrl(subject)),
  },
  {
    name: "authorize: prompt none, signed in",
    ask: async (subject) =>
      await ending(
        await subject.signedIn(),
        authorizeUrl(subject, { prompt: "none" }),
      ),
  },
  {
    name: "authorize: prompt login, signed in",
    ask: async (subject) =>
      await ending(
        await subject.signedIn(),
        authorizeUrl(subject, { prompt: "login" }),
      ),
  },

  token("as it should be", {}),
  token("no client", { client_id: undefined, client_secret: undefined }),
  token("an unknown client", { client_id: "nobody" }),
  token("a wrong secret", { client_secret: "wrong" }),
  token("no secret", { client_secret: undefined }),
  {
    name: "token: another method",
    ask: (subject) =>
      classOf(
        post(
          subject,
          "token",
          form({ grant_type: "client_credentials" }),
          basic(`app:${subject.secrets["app"]}`),
        ),
      ),
  },
  token("two methods", {}, basic("app:secret")),
  token("no grant type", { grant_type: undefined }),
  token("an unknown grant type", { grant_type: "password" }),
  token("an unknown scope", { scope: "unknown" }),
  token("a resource that it does not know", {
    resource: "https://evil.example",
  }),
  token("a proof that is none", {}, { dpop: "nonsense" }),
  {
    name: "token: a grant that the client has not",
    ask: (subject) =>
      classOf(
        post(
          subject,
          "token",
          form({
            ...credentials(subject, "limited"),
            grant_type: "client_credentials",
          }),
        ),
      ),
  },
  {
    name: "token: a field that comes twice",
    ask: (subject) =>
      classOf(
        post(
          subject,
          "token",
          form(
            { ...credentials(subject), grant_type: "client_credentials" },
            { grant_type: "client_credentials" },
          ),
        ),
      ),
  },
  {
    name: "token: JSON",
    ask: (subject) =>
      classOf(
        post(
          subject,
          "token",
          JSON.stringify({
            ...credentials(subject),
            grant_type: "client_credentials",
          }),
          { "content-type": "application/json" },
        ),
      ),
  },
  {
    name: "token: GET",
    ask: ({ url, paths }) => classOf(fetch(`${url}${paths.token}`)),
  },

  redeeming("as it should be", () => ({})),
  redeeming("no code", () => ({ code: undefined })),
  redeeming("an unknown code", () => ({ code: "unknown" })),
  redeeming("no verifier", () => ({ code_verifier: undefined })),
  redeeming("another verifier", () => ({ code_verifier: "x".repeat(43) })),
  redeeming("another redirect URI", () => ({
    redirect_uri: "https://app.example/other",
  })),
  redeeming("no redirect URI", () => ({ redirect_uri: undefined })),
  redeeming("another client", (subject) => credentials(subject, "other")),
  {
    name: "code: twice",
    async ask(subject) {
      const code = await newCode(subject);
      await (await redemption(subject, code)).body?.cancel();
      return await classOf(redemption(subject, code));
    },
  },

  refreshing("as it should be", {}),
  refreshing("an unknown token", { refresh_token: "unknown" }),
  refreshing("no token", { refresh_token: undefined }),
  refreshing("a wider scope", { scope: "openid unknown" }),
  refreshing("another client", { client_id: "other" }),

  {
    name: "introspect: an unknown token",
    ask: (subject) =>
      classOf(
        post(
          subject,
          "introspect",
          form({ ...credentials(subject), token: "unknown" }),
        ),
      ),
  },
  {
    name: "introspect: no token",
    ask: (subject) =>
      classOf(post(subject, "introspect", form(credentials(subject)))),
  },
  {
    name: "introspect: no client",
    ask: (subject) =>
      classOf(post(subject, "introspect", form({ token: "unknown" }))),
  },
  {
    name: "revoke: an unknown token",
    ask: (subject) =>
      classOf(
        post(
          subject,
          "revoke",
          form({ ...credentials(subject), token: "unknown" }),
        ),
      ),
  },
  {
    name: "revoke: no token",
    ask: (subject) =>
      classOf(post(subject, "revoke", form(credentials(subject)))),
  },
  {
    name: "push: as it should be",
    ask: (subject) =>
      classOf(
        post(
          subject,
          "par",
          form({ ...authorizeParameters, ...credentials(subject) }),
        ),
      ),
  },
  {
    name: "push: an unregistered redirect URI",
    ask: (subject) =>
      classOf(
        post(
          subject,
          "par",
          form({
            ...authorizeParameters,
            ...credentials(subject),
            redirect_uri: "https://evil.example/cb",
          }),
        ),
      ),
  },
  {
    name: "push: a request URI",
    ask: (subject) =>
      classOf(
        post(
          subject,
          "par",
          form({
            ...authorizeParameters,
            ...credentials(subject),
            request_uri: "urn:ietf:params:oauth:request_uri:x",
          }),
        ),
      ),
  },
  {
    name: "push: a wrong secret",
    ask: (subject) =>
      classOf(
        post(
          subject,
          "par",
          form({
            ...authorizeParameters,
            ...credentials(subject),
            client_secret: "wrong",
          }),
        ),
      ),
  },
  {
    name: "device: as it should be",
    ask: (subject) =>
      classOf(
        post(
          subject,
          "device",
          form({ ...credentials(subject), scope: "openid" }),
        ),
      ),
  },
  {
    name: "device: asked before the user has decided",
    async ask(subject) {
      const begun = await (await post(
        subject,
        "device",
        form({ ...credentials(subject), scope: "openid" }),
      )).json();
      const body = form({
        ...credentials(subject),
        grant_type: DEVICE,
        device_code: begun.device_code,
      });
      return await classOf(post(subject, "token", body));
    },
  },
  token("an unknown device code", {
    grant_type: DEVICE,
    device_code: "unknown",
  }),
  {
    name: "userinfo: no token",
    ask: ({ userinfo }) => classOf(fetch(userinfo)),
  },
  {
    name: "userinfo: an unknown token",
    ask: ({ userinfo }) =>
      classOf(
        fetch(userinfo, { headers: { authorization: "Bearer unknown" } }),
      ),
  },
];
