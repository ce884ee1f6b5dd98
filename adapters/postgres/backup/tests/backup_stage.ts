import { startPostgres, type TestPostgres } from "@mainstay/adapters/testing";
import { migrate } from "../../migrate.ts";
import { readMigrations } from "../../read_migrations.ts";
import {
  openTestPostgres,
  type TestedPostgres,
} from "../../tests/open_test_postgres.ts";
import type { BackupSource } from "../backup_source.ts";

/** A schema with one of everything that a restore has to take care of. */
export const MIGRATIONS = {
  "0001_people.sql": `
    CREATE TYPE mood AS ENUM ('glad', 'sad');
    CREATE DOMAIN short AS text CHECK (length(value) < 100000);
    CREATE SEQUENCE tickets START 100;
    CREATE TABLE people (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      name text NOT NULL,
      note short,
      mood mood,
      tags text[],
      doc jsonb,
      raw bytea,
      at timestamptz,
      span interval,
      amount numeric,
      ratio double precision,
      shout text GENERATED ALWAYS AS (upper(name)) STORED,
      best_friend bigint REFERENCES people DEFERRABLE INITIALLY DEFERRED
    );`,
  // Sorts before the table that it refers to, and is referred to by it.
  "0002_accounts.sql": `
    CREATE TABLE accounts (
      id int PRIMARY KEY,
      owner bigint NOT NULL REFERENCES people ON DELETE CASCADE
    );
    ALTER TABLE people ADD main_account int REFERENCES accounts;
    CREATE TABLE "We""ird / Näme" ("Col umn" int, "select" text);
    CREATE TABLE settings (name text PRIMARY KEY, value text);
    INSERT INTO settings VALUES ('theme', 'light');
    CREATE TABLE diary (at date NOT NULL, text text) PARTITION BY RANGE (at);
    CREATE TABLE diary_old PARTITION OF diary FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
    CREATE TABLE diary_new PARTITION OF diary FOR VALUES FROM ('2020-01-01') TO (MAXVALUE);`,
  "0003_guards.sql": `
    CREATE TABLE audit (seq int PRIMARY KEY, text text, seen int NOT NULL DEFAULT 0);
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'append-only'; END $$;
    CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
      FOR EACH STATEMENT EXECUTE FUNCTION refuse();
    CREATE FUNCTION count_up() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN NEW.seen = NEW.seen + 1; RETURN NEW; END $$;
    CREATE TRIGGER audit_seen BEFORE INSERT ON audit
      FOR EACH ROW EXECUTE FUNCTION count_up();
    ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_seen;
    CREATE VIEW names AS SELECT name FROM people;
    CREATE MATERIALIZED VIEW head_count AS SELECT count(*) FROM people;`,
};

/** A server with a migrated database to back up, and another to restore into. */
export interface BackupStage extends AsyncDisposable {
  readonly server: TestPostgres;
  readonly source: BackupSource;
  /** Migrated. */
  readonly from: TestedPostgres;
  /** Empty. */
  readonly to: TestedPostgres;
  /** For backups. */
  readonly folder: string;
  /** Adds files to the migrations, without applying them. */
  addMigrations(files: Record<string, string>): Promise<void>;
}

/** Everything of it ends with `await using`. */
export async function openBackupStage(
  migrations: Record<string, string> = MIGRATIONS,
): Promise<BackupStage> {
  const server = await startPostgres();
  const folder = await Deno.makeTempDir({ prefix: "mainstay-backup-" });
  const files = `${folder}/migrations`;
  await Deno.mkdir(files);
  const addMigrations = async (more: Record<string, string>) => {
    for (const [name, sql] of Object.entries(more)) {
      await Deno.writeTextFile(`${files}/${name}`, sql);
    }
  };
  await addMigrations(migrations);
  const from = openTestPostgres(server.url());
  await from.postgres.query("CREATE DATABASE other");
  const to = openTestPostgres(server.url("other"));
  await migrate(from.postgres, await readMigrations(files));
  return {
    server,
    source: { service: "shop", migrations: files },
    from,
    to,
    folder,
    addMigrations,
    async [Symbol.asyncDispose]() {
      await from.postgres.close();
      await to.postgres.close();
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Rows that gzip cannot make small, so that a backup of them takes its time. */
export async function fillMuch(
  { from }: BackupStage,
  rows: number,
): Promise<void> {
  await from.postgres.query(
    `INSERT INTO people (name, raw)
     SELECT 'p', decode(string_agg(encode(sha512(random()::text::bytea), 'hex'), ''), 'hex')
     FROM generate_series(1, ${rows}) n, generate_series(1, 15) GROUP BY n`,
  );
  await from.postgres.query("REFRESH MATERIALIZED VIEW head_count");
}

/** All that is in a database, as text that differs if anything does. */
export async function contentOf({ postgres }: TestedPostgres): Promise<string> {
  const { rows: tables } = await postgres.query<{ name: string }>(
    `SELECT oid::regclass::text AS name FROM pg_class
     WHERE relnamespace = 'public'::regnamespace
       AND relkind IN ('r', 'p', 'v', 'm') AND relname <> 'schema_migrations'
     ORDER BY 1`,
  );
  const content = [];
  for (const { name } of tables) {
    // Short enough to be shown when it differs.
    const { rows: [row] } = await postgres.query<{ text: string }>(
      `SELECT CASE WHEN count(*) < 1000
         THEN coalesce(jsonb_agg(t::text ORDER BY t::text), '[]')::text
         ELSE count(*) || ' rows, ' || md5(string_agg(md5(t::text), '' ORDER BY md5(t::text)))
       END AS text FROM ${name} t`,
    );
    content.push(`${name}: ${row?.text}`);
  }
  const { rows: sequences } = await postgres.query(
    "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1",
  );
  return [...content, JSON.stringify(sequences)].join("\n");
}

/** The form of a database: what its catalogs say. */
export async function schemaOf({ postgres }: TestedPostgres): Promise<string> {
  const { rows } = await postgres.query<{ line: string }>(
    `SELECT format('%s.%s %s %s %s', attrelid::regclass, attname,
         format_type(atttypid, atttypmod), attnotnull, attgenerated) AS line
       FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
       WHERE relnamespace = 'public'::regnamespace AND attnum > 0
     UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid))
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace
     UNION ALL SELECT format('%s %s', tgenabled, pg_get_triggerdef(oid))
       FROM pg_trigger WHERE NOT tgisinternal
     UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index
       JOIN pg_class c ON c.oid = indrelid
       WHERE relnamespace = 'public'::regnamespace
     UNION ALL SELECT format('%s %s %s', version, name, checksum) FROM schema_migrations
     ORDER BY 1`,
  );
  return rows.map(({ line }) => line).join("\n");
}
