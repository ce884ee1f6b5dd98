import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import {
  assertFaster,
  bestOfThree,
  createTestAuthority,
  createTestCertificate,
  freePort,
  type TestCertificate,
} from "@mainstay/adapters/testing";
import { UnsecuredJWT } from "jose";
import type { NewClient } from "../domain/client_store.ts";
import { certificateThumbprint } from "../domain/client_certificate.ts";
import { newClientSecret } from "../domain/client_secret.ts";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import { addClient, anyClient } from "../tests/arrange.ts";
import { postForm } from "../tests/browser_trip.ts";
import { clientAssertion, newClientKey } from "../tests/client_keys.ts";
import { startIdentity } from "../tests/start_identity.ts";

const REFUSED = {
  error: "invalid_client",
  error_description:
    "Cannot authenticate the client: its credentials are wrong",
};
const grant = { grant_type: "client_credentials", scope: "read:resource" };
const worker: Partial<NewClient> = {
  id: "worker",
  grantTypes: ["client_credentials"],
};

function basic(id: string, secret: string): Record<string, string> {
  return { authorization: `Basic ${btoa(`${id}:${secret}`)}` };
}

function derOf({ cert }: TestCertificate): Uint8Array {
  return Uint8Array.fromBase64(cert.replaceAll(/-----[^-]+-----|\s/g, ""));
}

Deno.test("a client with a secret is known by the one way that it is registered with", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const post = await addClient(identity, worker);
  const id = "a b+c:d%é";
  const secret = await addClient(identity, {
    ...worker,
    id,
    authMethod: "client_secret_basic",
  });
  const encoded = encodeURIComponent(id).replaceAll("%20", "+");

  await t.step("in the body", async () => {
    const body = { ...grant, client_id: "worker", client_secret: post };
    strictEqual((await postForm(identity, "token", body)).status, 200);
  });
  await t.step("in the header, both halves encoded", async () => {
    const headers = basic(encoded, secret);
    const answer = await postForm(identity, "token", grant, headers);
    strictEqual(answer.status, 200, answer.text);
  });
  await t.step("and by no other", async () => {
    const answers = [
      await postForm(identity, "token", grant, basic("worker", post)),
      await postForm(identity, "token", {
        ...grant,
        client_id: id,
        client_secret: secret,
      }),
      await postForm(identity, "token", { ...grant, client_id: "worker" }),
    ];
    for (const { status, body } of answers) {
      strictEqual(status, 401);
      assertEquals(body, REFUSED);
    }
  });
  await t.step("two at once are a mistake", async () => {
    const body = { ...grant, client_id: "worker", client_secret: post };
    const answer = await postForm(
      identity,
      "token",
      body,
      basic("worker", post),
    );
    strictEqual(answer.status, 400);
    strictEqual(answer.body.error, "invalid_request");
  });
  await t.step("what is no Basic header is told how to be one", async () => {
    for (
      const authorization of ["Basic", "Basic !", "Bearer x", "Basic OjpA"]
    ) {
      const answer = await postForm(identity, "token", grant, {
        authorization,
      });
      strictEqual(answer.status, 401, authorization);
      strictEqual(answer.body.error, "invalid_client");
      ok(answer.headers.get("www-authenticate")?.startsWith("Basic "));
    }
  });
  await t.step("no client has an id that cannot be kept", async () => {
    const assertion = (sub: unknown) => ({
      ...grant,
      client_assertion_type:
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: new UnsecuredJWT({ sub: sub as string }).encode(),
    });
    const answers = [
      await postForm(identity, "token", grant, basic("wor%00ker", post)),
      await postForm(identity, "token", assertion("wor\0ker")),
      await postForm(identity, "token", assertion(["worker"])),
    ];
    for (const { status, body } of answers) {
      strictEqual(status, 401);
      strictEqual(body.error, "invalid_client");
    }
  });
  await t.step("a disabled client is none", async () => {
    await identity.postgres.query(
      "UPDATE clients SET disabled_at = now() WHERE id = 'worker'",
    );
    const body = { ...grant, client_id: "worker", client_secret: post };
    assertEquals((await postForm(identity, "token", body)).body, REFUSED);
  });
});

Deno.test("refusals of a client take the same time, whatever is wrong", async () => {
  await using identity = await startIdentity({ servers: ["authz"] });
  await addClient(identity, worker);
  const key = await newClientKey("k");
  await addClient(identity, {
    ...worker,
    id: "signer",
    authMethod: "private_key_jwt",
    jwks: { keys: [key.jwk] },
  });
  const audience = identity.urls.authz;
  const other = await newClientKey("k");
  const attempts: Record<string, () => Promise<Record<string, string>>> = {
    "wrong secret": () =>
      Promise.resolve({ client_id: "worker", client_secret: "x" }),
    "no client": () =>
      Promise.resolve({ client_id: "nobody", client_secret: "x" }),
    "other method": () =>
      Promise.resolve({ client_id: "signer", client_secret: "x" }),
    "wrong key": () =>
      clientAssertion({ clientId: "signer", audience, key: other.privateKey }),
    "no client with a key": () =>
      clientAssertion({ clientId: "nobody", audience, key: key.privateKey }),
  };
  const medianMs = async (attempt: () => Promise<Record<string, string>>) => {
    const times: number[] = [];
    for (let i = 0; i < 9; i++) {
      const body = { ...grant, ...await attempt() };
      const startedMs = performance.now();
      const answer = await postForm(identity, "token", body);
      times.push(performance.now() - startedMs);
      assertEquals(answer.body, REFUSED);
    }
    return times.toSorted((a, b) => a - b)[4]!;
  };

  await bestOfThree(async () => {
    const medians: number[] = [];
    for (const attempt of Object.values(attempts)) {
      medians.push(await medianMs(attempt));
    }
    ok(Math.min(...medians) >= 24, `${medians}`);
    const spread = Math.max(...medians) - Math.min(...medians);
    assertFaster(spread, 8, `spread of ${medians}`);
  });
});

Deno.test("a client with a key signs an assertion, which is good once", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const audience = identity.urls.authz;
  const key = await newClientKey("k");
  await addClient(identity, {
    ...worker,
    authMethod: "private_key_jwt",
    jwks: { keys: [key.jwk] },
  });
  const sign = (changes = {}) =>
    clientAssertion(
      { clientId: "worker", audience, key: key.privateKey },
      changes,
    );
  const ask = async (assertion: Record<string, string>) =>
    await postForm(identity, "token", { ...grant, ...assertion });

  await t.step("at every endpoint", async () => {
    const assertion = await sign();
    strictEqual((await ask(assertion)).status, 200);
    assertEquals((await ask(assertion)).body, REFUSED);
    const aud = `${audience}/oauth2/v1/introspect`;
    const answer = await postForm(identity, "introspect", {
      ...await sign({ aud }),
      token: "x",
    });
    assertEquals(answer.body, { active: false });
    assertEquals((await ask(await sign({ aud }))).body, REFUSED);
  });
  await t.step("of many that bring the same one, once", async () => {
    const assertion = await sign();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ask(assertion)),
    );
    strictEqual(answers.filter(({ status }) => status === 200).length, 1);
  });
  await t.step("not with another's name", async () => {
    await addClient(identity, {
      ...worker,
      id: "other",
      authMethod: "private_key_jwt",
      jwks: { keys: [(await newClientKey("k")).jwk] },
    });
    const asOther = await sign({ iss: "other", sub: "other" });
    assertEquals((await ask(asOther)).body, REFUSED);
    const contradiction = { ...await sign(), client_id: "other" };
    strictEqual((await ask(contradiction)).body.error, "invalid_request");
  });
  await t.step("not beside a secret, and with its type", async () => {
    const both = { ...await sign(), client_secret: "x" };
    strictEqual((await ask(both)).body.error, "invalid_request");
    const { client_assertion } = await sign();
    const untyped = await ask({ client_assertion: client_assertion! });
    strictEqual(untyped.body.error, "invalid_request");
  });
});

Deno.test("a client signs with its secret, of which no more than that is kept readable", async () => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { secret, record } = newClientSecret(
    "client_secret_jwt",
    createKeyEncryption(identity.config.keyEncryptionKeys),
  );
  await identity.storage.clients.create(
    { ...anyClient, ...worker, authMethod: "client_secret_jwt" },
    record,
  );
  const audience = `${identity.urls.authz}/oauth2/v1/token`;
  const ask = async (text: string) =>
    await postForm(identity, "token", {
      ...grant,
      ...await clientAssertion({
        clientId: "worker",
        audience,
        key: new TextEncoder().encode(text),
        alg: "HS256",
      }),
    });

  strictEqual((await ask(secret)).status, 200);
  assertEquals((await ask("x".repeat(43))).body, REFUSED);
  const plain = { ...grant, client_id: "worker", client_secret: secret };
  assertEquals((await postForm(identity, "token", plain)).body, REFUSED);
  const { rows: [row] } = await identity.postgres.query<
    { secret_encrypted: Uint8Array }
  >("SELECT secret_encrypted FROM client_secrets");
  const kept = new TextDecoder().decode(row!.secret_encrypted);
  strictEqual(kept.includes(secret), false);
});

Deno.test("keys behind an address are asked for, kept, and asked for anew, but not at anyone's will", async () => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const old = await newClientKey("old");
  const next = await newClientKey("next");
  let asked = 0;
  let keys = [old.jwk];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => {
      asked += 1;
      return Response.json({ keys });
    },
  );
  await addClient(identity, {
    ...worker,
    authMethod: "private_key_jwt",
    jwksUri: `http://localhost:${server.addr.port}/jwks`,
  });
  const ask = async (key: CryptoKey) => {
    const { status } = await postForm(identity, "token", {
      ...grant,
      ...await clientAssertion({
        clientId: "worker",
        audience: identity.urls.authz,
        key,
      }),
    });
    return status;
  };

  strictEqual(await ask(old.privateKey), 200);
  strictEqual(await ask(old.privateKey), 200);
  strictEqual(asked, 1);
  keys = [next.jwk];
  for (let i = 0; i < 5; i++) strictEqual(await ask(next.privateKey), 401);
  strictEqual(asked, 1, "asked again within the cooldown");
});

async function withMtls(env: Record<string, string> = {}) {
  const authority = createTestAuthority();
  const folder = await Deno.makeTempDir();
  const pair = authority.issue({
    subject: [["CN", "localhost"]],
    hosts: ["localhost"],
  });
  await Deno.writeTextFile(`${folder}/cert.pem`, pair.cert);
  await Deno.writeTextFile(`${folder}/key.pem`, pair.key);
  await Deno.writeTextFile(`${folder}/ca.pem`, authority.cert);
  const port = freePort();
  const identity = await startIdentity({
    servers: ["authz"],
    env: {
      MTLS_PORT: String(port),
      MTLS_CERT_FILE: `${folder}/cert.pem`,
      MTLS_KEY_FILE: `${folder}/key.pem`,
      MTLS_CA_FILE: `${folder}/ca.pem`,
      MTLS_URL: `https://localhost:${port}`,
      ...env,
    },
  });
  return {
    identity,
    authority,
    /** Asks with a certificate, at the listener for those. */
    async ask(
      name: string,
      body: Record<string, string>,
      certificate?: TestCertificate,
    ) {
      using client = Deno.createHttpClient({
        caCerts: [authority.cert],
        ...certificate,
      });
      const response = await fetch(
        `https://localhost:${port}/oauth2/v1/${name}`,
        { method: "POST", body: new URLSearchParams(body), client },
      );
      return { status: response.status, body: await response.json() };
    },
    async [Symbol.asyncDispose]() {
      await identity[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** What a token says that it is bound to. */
function bindingOf(token: string) {
  return JSON.parse(atob(token.split(".")[1]!)).cnf;
}

Deno.test("a client is known by the name in its certificate, and its tokens are bound to that", async (t) => {
  await using mtls = await withMtls();
  const { identity, authority, ask } = mtls;
  const subject = [["O", "Acme, Inc."], ["CN", "worker"]] as const;
  const certificate = authority.issue({ subject });
  await addClient(identity, {
    ...worker,
    authMethod: "tls_client_auth",
    tlsSubjectDn: "CN=worker,O=Acme\\, Inc.",
  });
  const body = { ...grant, client_id: "worker" };

  await t.step("bound to this certificate", async () => {
    const answer = await ask("token", body, certificate);
    strictEqual(answer.status, 200);
    strictEqual(answer.body.token_type, "Bearer");
    const token = answer.body.access_token;
    const bound = { "x5t#S256": certificateThumbprint(derOf(certificate)) };
    assertEquals(bindingOf(token), bound);
    const seen = await ask("introspect", { ...body, token }, certificate);
    assertEquals(seen.body.cnf, bound);
  });
  await t.step("with one of the authority's alone", async () => {
    const others: Array<TestCertificate | undefined> = [
      undefined,
      createTestCertificate({ subject }),
      createTestAuthority().issue({ subject }),
      authority.issue({ subject: [["CN", "worker"]] }),
    ];
    for (const other of others) {
      assertEquals((await ask("token", body, other)).body, REFUSED);
    }
  });
  await t.step("not by a header, and not at the other listener", async () => {
    const header = { "client-cert": `:${derOf(certificate).toBase64()}:` };
    const answer = await postForm(identity, "token", body, header);
    assertEquals(answer.body, REFUSED);
  });
  await t.step("and finds the way in the metadata", async () => {
    const metadata = await fetch(
      `${identity.urls.authz}/.well-known/oauth-authorization-server`,
    );
    const { mtls_endpoint_aliases } = await metadata.json();
    ok(mtls_endpoint_aliases.token_endpoint.startsWith("https://localhost:"));
  });
});

Deno.test("a client is known by a certificate of its own making", async () => {
  await using mtls = await withMtls();
  const { identity, ask } = mtls;
  const certificate = createTestCertificate({ subject: [["CN", "worker"]] });
  await addClient(identity, {
    ...worker,
    authMethod: "self_signed_tls_client_auth",
    jwks: { keys: [{ kty: "EC", x5c: [derOf(certificate).toBase64()] }] },
  });
  const body = { ...grant, client_id: "worker" };

  const answer = await ask("token", body, certificate);
  strictEqual(answer.status, 200);
  assertEquals(bindingOf(answer.body.access_token), {
    "x5t#S256": certificateThumbprint(derOf(certificate)),
  });
  const twin = createTestCertificate({ subject: [["CN", "worker"]] });
  assertEquals((await ask("token", body, twin)).body, REFUSED);
  assertEquals((await ask("token", body)).body, REFUSED);
});

Deno.test("a certificate in a header counts from a trusted proxy that is said to send it", async () => {
  const certificate = createTestCertificate({ subject: [["CN", "worker"]] });
  const header = { "client-cert": `:${derOf(certificate).toBase64()}:` };
  const body = { ...grant, client_id: "worker" };
  const tries: Array<[number, Record<string, string>]> = [
    [200, { TRUSTED_PROXIES: "127.0.0.0/8,::1", MTLS_PROXY_HEADER: "true" }],
    [401, { TRUSTED_PROXIES: "127.0.0.0/8,::1" }],
    [401, { TRUSTED_PROXIES: "10.0.0.1", MTLS_PROXY_HEADER: "true" }],
  ];
  for (const [status, env] of tries) {
    await using identity = await startIdentity({ servers: ["authz"], env });
    await addClient(identity, {
      ...worker,
      authMethod: "tls_client_auth",
      tlsSubjectDn: "CN=worker",
    });
    const answer = await postForm(identity, "token", body, header);
    strictEqual(answer.status, status, JSON.stringify(env));
  }
});
