/**
 * Sign-ins from a client's first request to its tokens, by users who are signed
 * in already.
 *
 * @module
 */

/** Where a flow goes, and what its client sends. */
export interface CodeFlow {
  /** The authorization request; its challenge is that of {@link VERIFIER}. */
  readonly authorize: string;
  readonly redirectUri: string;
  readonly tokenEndpoint: string;
  /** Of the token request, besides code and verifier. */
  readonly fields: Readonly<Record<string, string>>;
  /** Cookies that a browser has from the start, by origin. */
  readonly cookies?: Readonly<Record<string, string>>;
  /** Answers a page that a browser has come to: where it goes on. */
  readonly sign?: (page: URL) => { readonly body: URLSearchParams };
}

/** RFC 7636, appendix B. */
export const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
export const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const MAX_STEPS = 12;

/** A browser with its cookies, by origin and name. */
class Browser {
  readonly #jars = new Map<string, Map<string, string>>();

  constructor(cookies: Readonly<Record<string, string>> = {}) {
    for (const [origin, cookie] of Object.entries(cookies)) {
      this.#keep(origin, cookie);
    }
  }

  /** @returns Where it is sent; undefined: it stays. */
  async visit(url: URL, body?: URLSearchParams): Promise<URL | undefined> {
    const jar = this.#jars.get(url.origin) ?? [];
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`);
    const response = await fetch(url, {
      redirect: "manual",
      ...(body && { method: "POST", body }),
      headers: { cookie: cookie.join("; ") },
    });
    await response.body?.cancel();
    for (const set of response.headers.getSetCookie()) {
      this.#keep(url.origin, set.split(";")[0] ?? "");
    }
    const location = response.headers.get("location");
    if (location !== null) return new URL(location, url);
    if (response.status === 200) return undefined;
    throw new Error(`Cannot sign in: ${response.status} at ${url}`);
  }

  #keep(origin: string, cookie: string): void {
    const at = cookie.indexOf("=");
    const jar = this.#jars.get(origin) ?? new Map<string, string>();
    jar.set(cookie.slice(0, at), cookie.slice(at + 1));
    this.#jars.set(origin, jar);
  }
}

async function runOnce(flow: CodeFlow, browser: Browser): Promise<void> {
  let url = new URL(flow.authorize);
  for (let step = 0; !url.href.startsWith(flow.redirectUri); step++) {
    if (step === MAX_STEPS) throw new Error(`Cannot sign in: lost at ${url}`);
    const next = await browser.visit(url) ??
      (flow.sign && await browser.visit(url, flow.sign(url).body));
    if (next === undefined) throw new Error(`Cannot sign in: asked at ${url}`);
    url = next;
  }
  const code = url.searchParams.get("code");
  if (code === null) throw new Error(`Cannot sign in: ${url}`);
  const response = await fetch(flow.tokenEndpoint, {
    method: "POST",
    body: new URLSearchParams({
      ...flow.fields,
      grant_type: "authorization_code",
      redirect_uri: flow.redirectUri,
      code,
      code_verifier: VERIFIER,
    }),
  });
  const tokens = await response.json();
  if (!tokens.access_token || !tokens.id_token) {
    throw new Error(`Cannot sign in: ${JSON.stringify(tokens)}`);
  }
}

/**
 * Users who sign in one time after the other, for a while; each has signed in
 * once before, which is not counted.
 */
export function codeFlowLoad(
  flow: CodeFlow,
  { users, seconds }: { readonly users: number; readonly seconds: number },
) {
  const browsers = Array.from(
    { length: users },
    () => new Browser(flow.cookies),
  );
  let ready: Promise<unknown> | undefined;
  return async () => {
    await (ready ??= Promise.all(
      browsers.map((browser) => runOnce(flow, browser)),
    ));
    const times: number[] = [];
    const startedMs = performance.now();
    const endMs = startedMs + seconds * 1_000;
    await Promise.all(browsers.map(async (browser) => {
      while (performance.now() < endMs) {
        const sinceMs = performance.now();
        await runOnce(flow, browser);
        times.push(performance.now() - sinceMs);
      }
    }));
    const tookMs = performance.now() - startedMs;
    const sorted = times.toSorted((a, b) => a - b);
    const at = (part: number) =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ??
        NaN;
    return {
      operations: times.length,
      rate: times.length / tookMs * 1_000,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    };
  };
}
