import { match, strictEqual } from "node:assert/strict";
import type { TestPostgres } from "@mainstay/adapters/testing";
import type { Program } from "@mainstay/tools/local_stack";
import { openTestPostgres } from "../adapters/postgres/tests/open_test_postgres.ts";
import { readText, root } from "./deployment_files.ts";

/** A service's users in a PostgreSQL of a test's own, made as the deployment makes them. */
export interface DatabaseUsers extends AsyncDisposable {
  /** Of this test's files; the secrets are in `secrets`. */
  readonly folder: string;
  /** The secret that names where the database is, at this test's PostgreSQL. */
  urlOf(secret: string): string;
}

/**
 * Makes the secrets by `make_secrets.sh` and the users by `<service>_roles.sql`,
 * twice, since that may be repeated; and shows that without the secrets it makes
 * none.
 */
export async function makeDatabaseUsers(
  service: "identity" | "meshhook",
  { server, psql }: {
    readonly server: TestPostgres;
    readonly psql: Program;
  },
): Promise<DatabaseUsers> {
  const folder = await Deno.makeTempDir();
  const database = `${service}_db`;
  await Deno.writeTextFile(
    `${folder}/make_secrets.sh`,
    readText("deployments/compose/make_secrets.sh"),
  );
  const made = await run("sh", [`${folder}/make_secrets.sh`]);
  strictEqual(made.code, 0, made.err);
  await using superuser = openTestPostgres(server.url());
  await superuser.postgres.query(`CREATE DATABASE ${database}`);
  const makeUsers = (secrets: string) =>
    run(psql.path, [
      "-X",
      "-v",
      `secrets=${secrets}`,
      "-f",
      `deployments/postgres/${service}_roles.sql`,
      server.url(database),
    ], psql.env);
  const without = await makeUsers(folder);
  strictEqual(without.code, 3, "no file, no password, no user");
  match(without.err, /a password is missing or short/);
  const { rows } = await superuser.postgres.query(
    "SELECT FROM pg_roles WHERE rolname LIKE $1",
    [`${service}\\_%`],
  );
  strictEqual(rows.length, 0);
  for (const time of ["first", "second"]) {
    const { code, err } = await makeUsers(`${folder}/secrets`);
    strictEqual(code, 0, `the ${time} time: ${err}`);
  }
  return {
    folder,
    urlOf(secret) {
      const text = Deno.readTextFileSync(`${folder}/secrets/${secret}`);
      const url = new URL(text.trim());
      url.host = `${server.host}:${server.port}`;
      return url.href;
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function run(
  command: string,
  args: string[],
  env: Readonly<Record<string, string>> = {},
) {
  const { code, stderr } = await new Deno.Command(command, {
    args,
    env: { ...env },
    cwd: root,
  }).output();
  return { code, err: new TextDecoder().decode(stderr) };
}

/** How PostgreSQL refuses each of the statements: the codes of its errors, or `done`. */
export async function refusals(
  url: string,
  statements: readonly string[],
): Promise<readonly string[]> {
  await using opened = openTestPostgres(url);
  const codes: string[] = [];
  for (const statement of statements) {
    codes.push(
      await opened.postgres.query(statement).then(
        () => "done",
        (failure) => String((failure as { code?: string }).code),
      ),
    );
  }
  return codes;
}
