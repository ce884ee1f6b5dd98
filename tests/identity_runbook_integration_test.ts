/** The lines of docs/runbook.md that concern a server, on real processes. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  eventually,
  freePort,
  startPostgres,
  type TestPostgres,
} from "@mainstay/adapters/testing";
import { findTool } from "@mainstay/tools/local_stack";
import { openTestPostgres } from "../adapters/postgres/tests/open_test_postgres.ts";
import {
  beginIdentity,
  IDENTITY_ENVIRONMENT,
  type IdentityProcess,
  startIdentityProcess,
} from "./identity_process.ts";

const wget = await findTool("wget");
const psql = await findTool("psql", "postgresql-client");

/** Runs a line as an operator would. */
async function run(
  command: string,
  args: readonly string[],
  { env = {}, input = "" } = {},
) {
  const child = new Deno.Command(command, {
    args: [...args],
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

const askAdmin = (server: IdentityProcess, path: string, ...more: string[]) =>
  run(wget?.path ?? "", [
    "--no-check-certificate",
    ...more,
    "-q",
    "-O",
    "-",
    `${server.adminUrl}/${path}`,
  ], { env: wget?.env ?? {} });

async function health(url: string): Promise<string> {
  return await (await fetch(url)).text();
}

Deno.test("every server answers its health check with the body of the runbook", async () => {
  await using database = await startPostgres();
  const env = { DATABASE_URL: database.url() };
  await using authz = await startIdentityProcess("authz", env);
  const known = { ...env, AUTHZ_INTERNAL_URL: authz.url };
  await using idp = await startIdentityProcess("idp", known);
  await using rs = await startIdentityProcess("rs", known);
  strictEqual(
    await health(`${authz.url}/health`),
    '{"status":"ok","service":"authz"}',
  );
  strictEqual(
    await health(`${idp.url}/health`),
    '{"status":"ok","service":"idp"}',
  );
  strictEqual(
    await health(`${rs.url}/api/v1/public/health`),
    '{"status":"ok"}',
  );
});

Deno.test({
  name: "the wget lines of the runbook work: livez, readyz, shutdown",
  ignore: wget === undefined,
  async fn() {
    await using database = await startPostgres();
    await using authz = await startIdentityProcess("authz", {
      DATABASE_URL: database.url(),
      DRAIN_DELAY: "1s",
    });
    strictEqual((await askAdmin(authz, "livez")).stdout.trim(), "ok");
    strictEqual((await askAdmin(authz, "readyz")).stdout.trim(), "ok");
    const byGet = await askAdmin(authz, "shutdown");
    ok(byGet.code !== 0, "a GET ends nothing");
    const { code, stdout } = await askAdmin(authz, "shutdown", "--post-data=");
    strictEqual(code, 0);
    deepStrictEqual(JSON.parse(stdout), {
      status: "shutting down",
      service: "authz",
    });
    const draining = await fetch(`${authz.url}/readyz`);
    strictEqual(draining.status, 503, "drained before it ends");
    await draining.body?.cancel();
    strictEqual(await authz.exited, 0);
  },
});

Deno.test("past the shutdown timeout what is left is cut, and the exit code is 1", async () => {
  await using database = await startPostgres();
  await using authz = await startIdentityProcess("authz", {
    DATABASE_URL: database.url(),
    SHUTDOWN_TIMEOUT: "1s",
  });
  await using locking = openTestPostgres(database.url());
  const locked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const holding = locking.postgres.transaction(async (connection) => {
    await connection.query("LOCK TABLE clients IN ACCESS EXCLUSIVE MODE");
    locked.resolve();
    await release.promise;
  });
  await locked.promise;
  const answer = post(`${authz.url}/oauth2/v1/token`, {
    client_id: "anyone",
    client_secret: "a secret",
    grant_type: "client_credentials",
  });
  await eventually("the request is in hand", async () => {
    const metrics = await health(`${authz.url}/metrics`);
    return /^http_requests_in_flight\{listener="public"\} [1-9]/m.test(metrics);
  });
  const begun = performance.now();
  authz.kill("SIGTERM");
  strictEqual((await answer).status, 503, "cut with an answer");
  strictEqual(await authz.exited, 1);
  const tookMs = performance.now() - begun;
  ok(tookMs > 900 && tookMs < 10_000, `${tookMs} ms`);
  release.resolve();
  await holding;
});

/** Registers a client as the runbook says. */
async function createClient(database: TestPostgres) {
  const { code, stdout, stderr } = await run(Deno.execPath(), [
    "run",
    "--quiet",
    "-A",
    new URL("../cli/main.ts", import.meta.url).pathname,
    "identity",
    "clients",
    "create",
    "--name=Reports",
    "--grant=client_credentials",
    "--scope=read:resource",
    "--auth-method=client_secret_post",
    "--json",
  ], { env: { ...IDENTITY_ENVIRONMENT, DATABASE_URL: database.url() } });
  strictEqual(code, 0, stderr);
  const { client, secret } = JSON.parse(stdout);
  return { client_id: String(client.id), client_secret: String(secret) };
}

async function post(url: string, form: Record<string, string>) {
  const response = await fetch(url, {
    method: "POST",
    body: new URLSearchParams(form),
  });
  return { status: response.status, body: await response.json() };
}

Deno.test("a token is decoded and introspected by the runbook's lines, and the clean-up lines end it", async (t) => {
  await using database = await startPostgres();
  await using authz = await startIdentityProcess("authz", {
    DATABASE_URL: database.url(),
    ISSUER: "http://localhost:8080",
    ACCESS_TOKEN_LIFETIME: "2s",
  });
  const client = await createClient(database);
  const { status, body: { access_token: token } } = await post(
    `${authz.url}/oauth2/v1/token`,
    { ...client, grant_type: "client_credentials" },
  );
  strictEqual(status, 200);
  const introspect = () =>
    post(`${authz.url}/oauth2/v1/introspect`, { ...client, token });

  await t.step("decoded without verification", async () => {
    const { stdout, stderr } = await run("sh", [
      "-c",
      "cut -d '.' -f 2 | base64 -d",
    ], { input: token });
    strictEqual(stderr, "", "base64 has nothing to say of it");
    const claims = JSON.parse(stdout);
    strictEqual(claims.iss, "http://localhost:8080");
    strictEqual(claims.client_id, client.client_id);
    strictEqual(claims.exp - claims.iat, 2);
  });

  await t.step("introspected with the secret in the body", async () => {
    const { status, body } = await introspect();
    strictEqual(status, 200);
    strictEqual(body.active, true);
    strictEqual(body.client_id, client.client_id);
    const wrong = await post(`${authz.url}/oauth2/v1/introspect`, {
      ...client,
      client_secret: "wrong",
      token,
    });
    strictEqual(wrong.status, 401);
  });

  const sql = async (text: string) => {
    const { code, stdout, stderr } = await run(psql?.path ?? "", [
      "-X",
      "-v",
      "ON_ERROR_STOP=1",
      database.url(),
    ], { env: psql?.env ?? {}, input: text });
    strictEqual(code, 0, stderr);
    return stdout;
  };

  await t.step({
    name: "tables, one of them, and the schema's version are shown",
    ignore: psql === undefined,
    async fn() {
      const tables = await sql("\\dt\n");
      for (const table of ["tokens", "sessions", "clients", "users"]) {
        match(tables, new RegExp(`\\| ${table} +\\|`));
      }
      match(await sql("\\d tokens\n"), /expires_at/);
      match(
        await sql("SELECT * FROM schema_migrations;\n"),
        /1 \| 0001_identity\.sql/,
      );
    },
  });

  await t.step({
    name: "what has expired is deleted, and nothing else",
    ignore: psql === undefined,
    async fn() {
      const clean = () =>
        sql(
          "DELETE FROM tokens WHERE expires_at < NOW();\nDELETE FROM sessions WHERE expires_at < NOW();\n",
        );
      await sql(
        `INSERT INTO users (username) VALUES ('ann');
         INSERT INTO sessions (session_hash, user_id, auth_time, acr, amr, expires_at)
         SELECT decode(md5(d::text), 'hex'), id, now(), '1', '{pwd}', now() + d * interval '1 hour'
         FROM users, (VALUES (-1), (1)) AS v (d);\n`,
      );
      match(await clean(), /DELETE 0\nDELETE 1\n/);
      await eventually(
        "the token has expired",
        async () => (await introspect()).body.active === false,
      );
      match(await clean(), /DELETE 1\nDELETE 0\n/);
      strictEqual((await introspect()).body.active, false);
    },
  });
});

Deno.test({
  name:
    "the runbook's restore of a dump is done whole or not at all, and stops at an error",
  ignore: psql === undefined,
  async fn() {
    const runbook = await Deno.readTextFile("docs/runbook.md");
    const restores = [...runbook.matchAll(
      /^.*psql (.*?) -U identity_user identity_db < \S+\.sql$/gm,
    )].map(([, options]) => options);
    deepStrictEqual(
      restores,
      Array(2).fill("-v ON_ERROR_STOP=1 --single-transaction"),
    );
    for (
      const [block] of runbook.matchAll(/^```bash\n[^`]*pg_dump[^`]*```$/gm)
    ) {
      match(block, /^umask 077\b/m);
    }
    await using database = await startPostgres();
    const restore = (dump: string) =>
      run(psql?.path ?? "", [
        "-X",
        ...restores[0]!.split(" "),
        database.url(),
      ], { env: psql?.env ?? {}, input: dump });
    const broken = await restore("CREATE TABLE a (id int);\nSELECT 1 / 0;\n");
    strictEqual(broken.code, 3);
    const again = await restore("CREATE TABLE a (id int);\n");
    strictEqual(again.code, 0, again.stderr);
  },
});

Deno.test("a server waits for a database that comes late, and says so", async () => {
  await using database = await startPostgres();
  await database.stop();
  await using authz = await beginIdentity("authz", {
    DATABASE_URL: database.url(),
  });
  const [, adminUrl = ""] = await authz.waitForOutput(
    /"Admin server listening","url":"([^"]+)"/,
  );
  await authz.waitForOutput(/Cannot connect to the database/);
  if (wget !== undefined) {
    const at = { ...authz, url: "", adminUrl };
    strictEqual((await askAdmin(at, "livez")).stdout.trim(), "ok");
    ok((await askAdmin(at, "readyz")).code !== 0, "not ready yet");
  }
  await database.restart();
  const [, url = ""] = await authz.waitForOutput(
    /"Listening","url":"([^"]+)"/,
  );
  await authz.waitForReady(`${url}/readyz`);
});

Deno.test("a server is ready once those it needs are, and names what it waits for", async () => {
  await using database = await startPostgres();
  const port = freePort();
  const env = {
    DATABASE_URL: database.url(),
    AUTHZ_INTERNAL_URL: `http://127.0.0.1:${port}`,
  };
  await using rs = await beginIdentity("rs", env);
  const [, url = ""] = await rs.waitForOutput(/"Listening","url":"([^"]+)"/);
  const waiting = await fetch(`${url}/readyz`);
  strictEqual(waiting.status, 503);
  match(await waiting.text(), /\[-\]authz/);
  await using _authz = await startIdentityProcess("authz", {
    ...env,
    SERVICE_PORT: String(port),
  });
  await rs.waitForReady(`${url}/readyz`);
});

Deno.test("a wrong DSN ends the start with the reason and without the password", async () => {
  await using database = await startPostgres();
  const right = new URL(database.url());
  const cases = [
    ["password", /password|authentication/i],
    ["pathname", /does not exist/i],
  ] as const;
  for (const [part, reason] of cases) {
    const wrong = new URL(right);
    wrong[part] = "hunter2hunter2";
    await using authz = await beginIdentity("authz", {
      DATABASE_URL: wrong.href,
    });
    strictEqual(await authz.exited, 1);
    const said = await authz.stdout() + await authz.stderr();
    match(said, /Cannot start: postgres failed/);
    match(said, reason);
    if (part === "password") ok(!said.includes("hunter2"), said);
    ok(!said.includes(database.password));
  }
});

Deno.test("an occupied port ends the start, and is named with its variable", async () => {
  await using database = await startPostgres();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  for (const variable of ["SERVICE_PORT", "ADMIN_PORT"]) {
    await using authz = await beginIdentity("authz", {
      DATABASE_URL: database.url(),
      [variable]: String(port),
    });
    strictEqual(await authz.exited, 1);
    const said = await authz.stdout();
    match(said, new RegExp(`port ${port} .*${variable}`));
    match(said, /another process has it/);
  }
});

Deno.test("an invalid configuration ends with 2 and every mistake", async () => {
  const folder = await Deno.makeTempDir({ dir: "configs" });
  try {
    const file = `${folder}/wrong.yml`;
    await Deno.writeTextFile(
      file,
      "isuer: http://localhost:8080\nlog-level: LOUD\ndatabase:\n  max_open_conns: many\n",
    );
    await using authz = await beginIdentity("authz", {
      DATABASE_URL: "postgres://u@127.0.0.1/x",
      LOG_LEVEL: "",
      DATABASE_MAX_OPEN_CONNS: "",
    }, [`--config=${file}`]);
    strictEqual(await authz.exited, 2);
    const said = await authz.stderr();
    match(said, /isuer: is no known key; did you mean issuer\?/);
    match(said, /LOG_LEVEL: .*LOUD/);
    match(said, /DATABASE_MAX_OPEN_CONNS: .*many/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a missing certificate ends the start, and is named", async () => {
  await using database = await startPostgres();
  await using authz = await beginIdentity("authz", {
    DATABASE_URL: database.url(),
    TLS_CERT_FILE: "configs/missing.pem",
    TLS_KEY_FILE: "configs/missing.key",
  });
  strictEqual(await authz.exited, 1);
  match(
    await authz.stdout(),
    /Cannot use the certificate configs\/missing\.pem/,
  );
});
