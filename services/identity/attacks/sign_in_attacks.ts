import type { Attack } from "./attack.ts";
import { mustHold } from "./expectations.ts";
import { parametersOf } from "./honest_client.ts";
import type { Answer, Target } from "./target.ts";

/** Where the authorization server sends browsers to sign in. */
async function signInOf(target: Target): Promise<URL> {
  const { location, text } = await target.visit(parametersOf(target.web));
  if (location?.searchParams.has("login_challenge")) return location;
  throw new Error(`Cannot sign in: ${location ?? text}`);
}

async function visit(url: URL | string, init: RequestInit = {}) {
  const { headers, ...rest } = init;
  const response = await fetch(url, {
    redirect: "manual",
    headers: { accept: "text/html", ...headers },
    ...rest,
  });
  const { status, headers: answered } = response;
  return { status, headers: answered, text: await response.text() };
}

type Page = Omit<Answer, "body">;

function mustBePage({ status, text }: Page, expected: number): void {
  mustHold(
    status === expected,
    `expected ${expected}, got ${status} ${text.slice(0, 200)}`,
  );
}

/** An address that belongs to nobody here. */
const EVIL = "https://evil.example/";

/** What a visitor's browser is led to at the identity provider. */
export const signInAttacks: readonly Attack[] = [
  {
    name: "frame the sign-in, run a script in it, or find it in a cache",
    async run(target) {
      const page = await visit(await signInOf(target));
      mustBePage(page, 200);
      const { headers } = page;
      const policy = headers.get("content-security-policy") ?? "";
      for (
        const rule of [
          "default-src 'none'",
          "frame-ancestors 'none'",
          "base-uri 'none'",
        ]
      ) mustHold(policy.includes(rule), `its policy lacks ${rule}`);
      mustHold(!policy.includes("unsafe"), `its policy is ${policy}`);
      mustHold(headers.get("cache-control") === "no-store", "it may be kept");
      mustHold(
        ["no-referrer", "same-origin"].includes(
          headers.get("referrer-policy") ?? "",
        ),
        "others are told its address",
      );
    },
  },
  {
    name: "sign a visitor in by another site's form",
    async run(target) {
      const { origin, searchParams } = await signInOf(target);
      const body = new URLSearchParams({
        login_challenge: searchParams.get("login_challenge") ?? "",
        username: "selftest",
        password: "selftest",
      });
      const forged = { origin: "https://evil.example" };
      for (const path of ["/oidc/v1/login", "/oidc/v1/consent"]) {
        for (const headers of [{}, forged]) {
          const answer = await visit(`${origin}${path}`, {
            method: "POST",
            body,
            headers,
          });
          mustBePage(answer, 403);
        }
      }
    },
  },
  {
    name: "go on with a sign-in that nobody has begun, or that has ended",
    async run(target) {
      const login = await signInOf(target);
      const guessed = new URL(login);
      guessed.searchParams.set("login_challenge", "a".repeat(43));
      mustBePage(await visit(guessed), 400);
      const begun = await target.visit(parametersOf(target.web));
      await target.approve(begun);
      mustBePage(await visit(begun.location!), 400);
    },
  },
  {
    name: "lead a visitor elsewhere after signing in or out",
    async run(target) {
      const { origin } = await signInOf(target);
      for (const path of [EVIL, "//evil.example", "/\\evil.example"]) {
        const query = new URLSearchParams({ return: path });
        const page = await visit(`${origin}/oidc/v1/login?${query}`);
        mustBePage(page, 200);
        mustHold(!page.text.includes("evil.example"), `it keeps ${path}`);
      }
      const query = new URLSearchParams({
        client_id: target.web.id,
        post_logout_redirect_uri: EVIL,
      });
      const page = await visit(`${origin}/oidc/v1/endsession?${query}`);
      mustBePage(page, 400);
      mustHold(!page.headers.has("location"), "it sends there");
    },
  },
  {
    name: "read a user's claims with a client's own token",
    async run(target) {
      const { origin } = await signInOf(target);
      const { body } = await target.post("token", {
        ...await target.web.credentials(),
        grant_type: "client_credentials",
        scope: "read:resource",
      });
      for (const token of [body.access_token, "a.b.c", ""]) {
        const answer = await visit(`${origin}/oidc/v1/userinfo`, {
          headers: { authorization: `Bearer ${token}` },
        });
        mustHold(
          answer.status === 401 || (token === "" && answer.status === 400),
          `expected 401, got ${answer.status} ${answer.text.slice(0, 200)}`,
        );
      }
    },
  },
];
