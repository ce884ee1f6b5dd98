import { ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { safeText } from "./encode_fields.ts";
import { isSecretKey } from "./mask_key.ts";
import { maskText } from "./mask_text.ts";

const JWT =
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";

const MASKED: ReadonlyArray<readonly [text: string, masked: string]> = [
  ["Authorization: Bearer abc.def", "Authorization: ***"],
  ["sent bearer abc123 to it", "sent bearer *** to it"],
  [`Basic ${btoa("user:pw")} refused`, "Basic *** refused"],
  [`got ${JWT}!`, "got ***!"],
  ["redis://:pw@cache:6379/0", "redis://***@cache:6379/0"],
  ["rediss://user:p/w@cache", "rediss://***@cache"],
  ["postgres://u:p@ss@db/x", "postgres://***@db/x"],
  ["redis://a:b@h1,redis://c:d@h2", "redis://***@h1,redis://***@h2"],
  ["http://a/?to=redis://:pw@h", "http://a/?to=redis://***@h"],
  ["GET /a?x=1&token=abc&y=2", "GET /a?x=1&token=***&y=2"],
  ["/cb?access_token=a%20b#z", "/cb?access_token=***"],
  ["dsn password=a,b;c)d host=x", "dsn password=*** host=x"],
  ["redis://:it's@cache", "redis://***@cache"],
  ["host=db password=hunter2 user=me", "host=db password=*** user=me"],
  ["password='a b c' x", "password='***' x"],
  ['{"apiKey":"abc","n":1}', '{"apiKey":"***","n":1}'],
  ['{\\"password\\":\\"abc\\"}', '{\\"password\\":\\"***\\"}'],
  ["{password: abc}", "{password: ***"],
  ["cookie: sid=1; other=2", "cookie: ***"],
  ["x-vault-token: abc", "x-vault-token: ***"],
  ["x-hub-signature: abc", "x-hub-signature: ***"],
  ["card 4111111111111111.", "card ***."],
  ["card 4111 1111 1111 1111", "card ***"],
  ["card 5500-0000-0000-0004", "card ***"],
  ["amex 3782 822463 10005", "amex ***"],
  ["ask jane.doe+x@mail.example.org now", "ask *** now"],
  ["ask zoë@exämple.org", "ask ***"],
];

for (const [text, masked] of MASKED) {
  Deno.test(`maskText() masks ${text}`, () => {
    strictEqual(maskText(text), masked);
  });
}

/** What a password may hold where nothing ends it: no space, quote or bracket. */
const password = fc.string({ unit: "grapheme-ascii", minLength: 1 })
  .map((text) => `Zq7${text.replace(/[\s"'<>&]|:\/\//g, "")}Zq7`);

Deno.test("maskText() masks any password in a URL and in an assignment", () => {
  fc.assert(fc.property(password, (secret) => {
    for (
      const text of [
        `redis://:${secret}@cache:6379/0`,
        `postgres://user:${secret}@db/x?a=1`,
        `host=db password=${secret} user=me`,
        `POST /login?user=me&password=${secret}&x=1`,
        `password: ${secret}`,
        JSON.stringify({ a: 1, password: secret, b: 2 }),
        JSON.stringify(JSON.stringify({ password: secret })),
      ]
    ) ok(!maskText(text).includes("Zq7"), `${text} → ${maskText(text)}`);
  }));
});

const WHOLE = [
  "1751153213653-0",
  "trimmed to 1751153213653-12, 1751153213654-0",
  "at 1751153213653 ms, 1751153213653000 µs, 1751153213653000000 ns",
  "2025-06-28T23:40:13.653Z",
  "2025-06-29T01:40:13.653+02:00",
  "order 4111111111111112",
  "4111111111111111-0",
  "a basic example of a bearer token",
  "Basic authentication is refused",
  "Unexpected token: }",
  "keyboard=qwerty&monkey=1",
  "tokens_total=12",
  "https://a.test:8443/path?x=1",
  "https://esm.test/x@1.2.3/y.ts",
  "at file:///app/node_modules/x@1.2.3/y.ts:1:2",
  "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  "550e8400-e29b-41d4-a716-446655440000",
  "req_1751153213653_abc123",
  "a == b, a => b, key => value",
];

for (const text of WHOLE) {
  Deno.test(`maskText() leaves ${text} whole`, () => {
    strictEqual(maskText(text), text);
  });
}

Deno.test("maskText() leaves any stream id whole", () => {
  fc.assert(fc.property(
    fc.nat({ max: 1e13 }),
    fc.nat(),
    (ms, n) => {
      const id = `${1e12 + ms}-${n}`;
      strictEqual(maskText(`entry ${id} read`), `entry ${id} read`);
    },
  ));
});

const SECRET_KEYS = [
  ...["password", "PASSWORD", "REDIS_PW", "dbPasswd", "userPassword", "pwd"],
  ...["secret", "clientSecret", "client_secret", "SECRET_KEY", "clientsecret"],
  ...["token", "accessToken", "refresh-token", "accesstoken", "X-Auth-Token"],
  ...["authorization", "Proxy-Authorization", "cookie", "Set-Cookie"],
  ...["key", "apiKey", "API_KEYS", "APIKey", "x-api-key", "apikey"],
  ...["privateKey", "tls.key", "credentials", "session", "sessionId", "sid"],
];
const PLAIN_KEYS = [
  ...["keyboard", "monkey", "turkey", "tokens_total", "tokenCount", "author"],
  ...["keyName", "tokenType", "passwordLength", "tokenTtlMs", "secretary"],
  ...["TLS_KEY_FILE", "sessions_total", "tokenizer", "compass", "bypass"],
  ...["attempt", "streamId", "aggregateId", "", "_", "spin", "opinion"],
];

Deno.test("isSecretKey() knows a secret by its words", () => {
  for (const key of SECRET_KEYS) ok(isSecretKey(key), key);
  for (const key of PLAIN_KEYS) ok(!isSecretKey(key), key);
});

Deno.test("a secret across the cut of a long text is not shown in part", () => {
  for (let at = 3900; at < 4200; at += 7) {
    const text = safeText(
      `${"x ".repeat(at / 2)}redis://:hunter2@host and more`.padEnd(9000, " ."),
    );
    ok(!text.includes("hunter"), `${at}`);
  }
});

Deno.test("maskText() takes time linear in the text, whatever it is", () => {
  const unit = [
    ...["a", "a@", "://", "=", "a=", '"', '"a":', "eyJ", "eyJaaaaaa."],
    ...["1", "1111 ", "bearer ", "basic ", ":", "\\", "@.", "key=", '\\"'],
    ...["cookie:", "'", "a.", " =", "[", "%"],
  ];
  for (const a of unit) {
    for (const b of ["", ...unit]) {
      const text = (a + b).repeat(Math.floor(8_192 / (a + b).length));
      const startedMs = performance.now();
      maskText(text);
      const tookMs = performance.now() - startedMs;
      ok(tookMs < 500, `${JSON.stringify(a + b)} took ${tookMs} ms`);
    }
  }
});
