/** What the identity servers are configured with, against what they accept and may read. */
import { deepStrictEqual as assertEquals, match, ok } from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { POSTGRES_DRIVER_VARIABLES } from "@mainstay/adapters/postgres";
import { type IdentityServer, identitySettings } from "@mainstay/identity";
import { environmentNames, readConfig } from "@mainstay/kernel/config";
import { taskCommand } from "./task_command.ts";

const root = new URL("../", import.meta.url);
const SERVERS: readonly IdentityServer[] = ["authz", "idp", "rs", "spa"];

/** What each server is not told by a file. */
const SECRETS: Readonly<Record<IdentityServer, Record<string, string>>> = {
  authz: {
    DATABASE_URL_FILE: "/run/secrets/database_url",
    KEY_ENCRYPTION_KEYS_FILE: "/run/secrets/key_encryption_keys",
  },
  idp: {
    DATABASE_URL_FILE: "/run/secrets/database_url",
    KEY_ENCRYPTION_KEYS_FILE: "/run/secrets/key_encryption_keys",
  },
  rs: { DATABASE_URL_FILE: "/run/secrets/database_url" },
  spa: {},
};

function configured(
  server: IdentityServer,
  environment: string,
  env: Readonly<Record<string, string>> = {},
) {
  return readConfig(identitySettings(server), {
    args: [`--config=configs/identity/${environment}.yml`],
    env: { ...SECRETS[server], ...env },
    readTextFile: (path) =>
      path.endsWith("database_url")
        ? "postgres://identity_user:s3cret@db/identity_db\n"
        : path.endsWith("key_encryption_keys")
        ? `${new Uint8Array(32).toBase64()}\n`
        : readFileSync(new URL(path, root), "utf8"),
  });
}

Deno.test("every server accepts every file, with its own secrets and no more", () => {
  assertEquals(
    globSync("configs/identity/*", { cwd: root }).toSorted(),
    ["development", "production", "test"].map((name) =>
      `configs/identity/${name}.yml`
    ),
  );
  for (const server of SERVERS) {
    for (const environment of ["development", "production", "test"]) {
      const config = configured(server, environment);
      assertEquals(config.environment, environment);
      assertEquals(config.issuer, "http://localhost:8080");
      assertEquals(config.databaseConnMaxLifetimeMs, 3_600_000);
    }
  }
});

Deno.test("production has the pool of the runbook, and a backup within 24 hours", () => {
  const config = configured("authz", "production");
  assertEquals(
    [config.databaseMaxOpenConns, config.databaseMaxIdleConns],
    [100, 10],
  );
  assertEquals(config.logLevel, "INFO");
  const { backupSchedule } = config;
  ok(typeof backupSchedule === "object" && "everyMs" in backupSchedule);
  ok(backupSchedule.everyMs <= 12 * 3_600_000);
  ok(!config.signUp, "nobody makes themselves an account unasked");
});

Deno.test("production trusts the proxies that the environment names, and no others", () => {
  match(
    readFileSync(new URL("configs/identity/production.yml", root), "utf8"),
    /^trusted-proxies: \$\{TRUSTED_PROXIES:-\}$/m,
  );
  const trusted = (env = {}) =>
    configured("idp", "production", env).trustedProxies;
  assertEquals(trusted(), undefined);
  assertEquals(trusted({ TRUSTED_PROXIES: "192.0.2.7" }), ["192.0.2.7"]);
});

const permissions = (server: IdentityServer) => {
  const command = taskCommand(`service:${server}`);
  return (name: string): readonly string[] =>
    command.find((arg) => arg.startsWith(`--allow-${name}=`))
      ?.slice(`--allow-${name}=`.length).split(",") ?? [];
};

for (const server of SERVERS) {
  Deno.test(`${server} may read its settings' variables and no others`, () => {
    const allowed = permissions(server)("env");
    const names = [
      ...environmentNames(identitySettings(server)),
      ...(server === "spa" ? [] : POSTGRES_DRIVER_VARIABLES),
    ];
    const covers = (rule: string, name: string) =>
      rule.endsWith("*") ? name.startsWith(rule.slice(0, -1)) : name === rule;
    assertEquals(
      names.filter((name) => !allowed.some((rule) => covers(rule, name))),
      [],
    );
    assertEquals(
      allowed.filter((rule) => !names.some((name) => covers(rule, name))),
      [],
    );
  });

  Deno.test(`${server} runs nothing, writes backups at most, and asks nobody`, () => {
    const command = taskCommand(`service:${server}`);
    ok(command.includes("--no-prompt"));
    const writes = permissions(server)("write");
    assertEquals(
      writes,
      server === "authz"
        ? ["/var/lib/mainstay/backups", ".mainstay/backups"]
        : [],
    );
    const given = command.filter((arg) => arg.startsWith("--allow-"))
      .map((arg) => arg.split("=")[0]);
    const usual = [
      "--allow-net",
      "--allow-read",
      ...(server === "authz" ? ["--allow-write"] : []),
      "--allow-sys",
      "--allow-env",
    ];
    assertEquals(given, usual);
    ok(permissions(server)("read").every((folder) => folder !== "."));
  });
}
