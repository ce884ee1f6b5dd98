import type { Attack } from "./attack.ts";
import { mustAllow, mustHold, mustRefuse } from "./expectations.ts";
import { clientToken } from "./honest_client.ts";
import type { Target } from "./target.ts";

const grant = { grant_type: "client_credentials", scope: "read:resource" };
/** Of a median of nine, on a machine that does other things too. */
const SPREAD_MS = 15;
const ATTEMPTS = 3;

function basic(id: string, secret: string): Record<string, string> {
  const bytes = new TextEncoder().encode(`${id}:${secret}`);
  return { authorization: `Basic ${bytes.toBase64()}` };
}

async function withAssertion(
  target: Target,
  changes: Readonly<Record<string, unknown>>,
  options: Parameters<Target["signer"]["sign"]>[1] = {},
) {
  const assertion = await target.signer.sign(changes, options);
  return await target.post("token", { ...grant, ...assertion });
}

async function medianMs(run: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 9; i++) {
    const startedMs = performance.now();
    await run();
    times.push(performance.now() - startedMs);
  }
  return times.toSorted((a, b) => a - b)[4]!;
}

/** Ways to be taken for a client (RFC 6749, 2.3; RFC 7523, 3). */
export const clientAttacks: readonly Attack[] = [
  {
    name: "guess a secret, and learn which client there is",
    async run(target) {
      const texts = new Set<string>();
      const attempts = [
        { client_id: target.web.id, client_secret: "x" },
        { client_id: target.web.id, client_secret: "x".repeat(43) },
        { client_id: "nobody", client_secret: "x" },
        { client_id: target.signer.id, client_secret: "x" },
        { client_id: target.native.id, client_secret: "x" },
        { client_id: target.web.id },
      ];
      for (const attempt of attempts) {
        const answer = await target.post("token", { ...grant, ...attempt });
        mustRefuse(answer, "invalid_client");
        texts.add(`${answer.status} ${answer.text}`);
      }
      mustHold(texts.size === 1, `answers differ: ${[...texts].join(", ")}`);
    },
  },
  {
    name: "learn from the time what was wrong",
    async run(target) {
      const ask = (client_id: string, client_secret: string) => () =>
        target.post("token", { ...grant, client_id, client_secret });
      let spread = Infinity;
      for (let i = 0; i < ATTEMPTS && spread > SPREAD_MS; i++) {
        const medians = [
          await medianMs(ask(target.web.id, "x".repeat(43))),
          await medianMs(ask("nobody", "x")),
          await medianMs(ask(target.signer.id, "x")),
        ];
        spread = Math.max(...medians) - Math.min(...medians);
      }
      mustHold(spread <= SPREAD_MS, `refusals are ${spread} ms apart`);
    },
  },
  {
    name: "be another client with a secret of one's own",
    async run(target) {
      const { client_secret = "" } = await target.other.credentials();
      const body = { ...grant, client_id: target.web.id, client_secret };
      mustRefuse(await target.post("token", body), "invalid_client");
    },
  },
  {
    name: "show two methods at once",
    async run(target) {
      const own = await target.web.credentials();
      const { id, secret } = target.encoded;
      const header = basic(encodeURIComponent(id), secret);
      const assertion = await target.signer.sign();
      mustRefuse(
        await target.post("token", { ...grant, ...own }, header),
        "invalid_request",
      );
      mustRefuse(
        await target.post("token", { ...grant, ...assertion }, header),
        "invalid_request",
      );
      mustRefuse(
        await target.post("token", {
          ...grant,
          ...assertion,
          client_secret: "x",
        }),
        "invalid_request",
      );
    },
  },
  {
    name: "name one client and show another's secret",
    async run(target) {
      const { id, secret } = target.encoded;
      const header = basic(encodeURIComponent(id), secret);
      const body = { ...grant, client_id: target.web.id };
      mustRefuse(
        await target.post("token", body, header),
        "invalid_request",
        "invalid_client",
      );
    },
  },
  {
    name: "send Basic credentials that are not encoded",
    async run(target) {
      const { id, secret } = target.encoded;
      mustRefuse(
        await target.post("token", grant, basic(id, secret)),
        "invalid_client",
      );
      const encoded = basic(encodeURIComponent(id), secret);
      mustAllow(await target.post("token", grant, encoded));
    },
  },
  {
    name: "send a secret in the address",
    async run(target) {
      const { client_id = "", client_secret = "" } = await target.web
        .credentials();
      const query = new URLSearchParams({ client_id, client_secret });
      mustRefuse(
        await target.post(`token?${query}`, grant),
        "invalid_client",
        "invalid_request",
      );
    },
  },
  {
    name: "use an assertion twice",
    async run(target) {
      const assertion = await target.signer.sign();
      const ask = () => target.post("token", { ...grant, ...assertion });
      mustAllow(await ask());
      mustRefuse(await ask(), "invalid_client");
    },
  },
  {
    name: "use an assertion 20 times at once",
    async run(target) {
      const assertion = await target.signer.sign();
      const answers = await Promise.all(
        Array.from(
          { length: 20 },
          () => target.post("token", { ...grant, ...assertion }),
        ),
      );
      const good = answers.filter(({ status }) => status === 200).length;
      mustHold(good === 1, `${good} of 20 were taken`);
    },
  },
  {
    name: "use an assertion that was made for someone else",
    async run(target) {
      for (
        const aud of [
          "https://evil.example",
          [target.issuer, "https://evil.example"],
          `${target.issuer}.evil.example`,
          [],
        ]
      ) mustRefuse(await withAssertion(target, { aud }), "invalid_client");
      mustAllow(await withAssertion(target, {}));
    },
  },
  {
    name: "use an assertion of another client, or of nobody",
    async run(target) {
      for (
        const changes of [
          { iss: target.web.id },
          { sub: target.web.id },
          { iss: target.web.id, sub: target.web.id },
          { iss: undefined },
        ]
      ) mustRefuse(await withAssertion(target, changes), "invalid_client");
    },
  },
  {
    name: "use an assertion that has expired, or never will",
    async run(target) {
      const nowS = Math.floor(Date.now() / 1_000);
      for (
        const changes of [
          { exp: nowS - 60 },
          { exp: nowS + 86_400 },
          { exp: undefined },
          { nbf: nowS + 600 },
          { iat: nowS + 600 },
        ]
      ) mustRefuse(await withAssertion(target, changes), "invalid_client");
    },
  },
  {
    name: "use an assertion without an identifier",
    async run(target) {
      const changes = { jti: undefined };
      mustRefuse(await withAssertion(target, changes), "invalid_client");
    },
  },
  {
    name: "sign an assertion with another key, or with the public one",
    async run(target) {
      const stranger = await crypto.subtle.generateKey(
        { name: "ECDSA", namedCurve: "P-256" },
        false,
        ["sign", "verify"],
      );
      mustRefuse(
        await withAssertion(target, {}, { key: stranger.privateKey }),
        "invalid_client",
      );
      const publicText = new TextEncoder().encode(
        JSON.stringify(target.signer.publicJwk),
      );
      mustRefuse(
        await withAssertion(target, {}, {
          key: publicText,
          header: { alg: "HS256" },
        }),
        "invalid_client",
      );
    },
  },
  {
    name: "sign an assertion with nothing",
    async run(target) {
      const { client_assertion = "", ...rest } = await target.signer.sign();
      const [, payload] = client_assertion.split(".");
      const header = btoa('{"alg":"none"}').replaceAll("=", "");
      for (const forged of [`${header}.${payload}.`, `${header}.${payload}`]) {
        mustRefuse(
          await target.post("token", {
            ...grant,
            ...rest,
            client_assertion: forged,
          }),
          "invalid_client",
        );
      }
    },
  },
  {
    name: "put one's name into a certificate header",
    async run(target) {
      const certificate = { "client-cert": ":AAAA:", "x-client-cert": "AAAA" };
      const body = { ...grant, client_id: target.web.id };
      mustRefuse(
        await target.post("token", body, certificate),
        "invalid_client",
      );
    },
  },
  {
    name: "introspect as a public client, or as none",
    async run(target) {
      const { body: { access_token: token } } = await clientToken(
        target,
        target.web,
      );
      const attempts = [
        [{ token }, "invalid_client"],
        [{ token, client_id: target.web.id }, "invalid_client"],
        [{ token, client_id: target.native.id }, "unauthorized_client"],
      ] as const;
      for (const [body, error] of attempts) {
        mustRefuse(
          await target.post("introspect", body),
          error,
          "invalid_client",
        );
      }
    },
  },
];
