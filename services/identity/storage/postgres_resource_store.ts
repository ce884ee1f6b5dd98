import type { Postgres } from "@mainstay/adapters/postgres";
import type { Resource } from "../domain/resource.ts";
import type { ResourceStore } from "../domain/resource_store.ts";

interface ResourceRow {
  readonly id: string;
  readonly owner: string;
  readonly name: string;
  readonly content: string;
  readonly created_at: Date;
}

const COLUMNS = "id, owner, name, content, created_at";

/** Keeps resources in the table `resources`. */
export function postgresResourceStore(postgres: Postgres): ResourceStore {
  return {
    async list({ owner, after, limit }) {
      const conditions: string[] = [];
      const values: unknown[] = [limit];
      const value = (given: unknown) => `$${values.push(given)}`;
      if (owner !== undefined) conditions.push(`owner = ${value(owner)}`);
      if (after !== undefined) {
        const at = value(new Date(after.createdAtMs));
        conditions.push(`(created_at, id) < (${at}, ${value(after.id)})`);
      }
      const where = conditions.length === 0
        ? ""
        : `WHERE ${conditions.join(" AND ")}`;
      const { rows } = await postgres.query<ResourceRow>(
        `SELECT ${COLUMNS} FROM resources ${where}
         ORDER BY created_at DESC, id DESC LIMIT $1`,
        values,
      );
      return rows.map(resourceOf);
    },
    async add({ id = crypto.randomUUID(), owner, name, content }) {
      // To the millisecond, which is what a cursor holds.
      const { rows: [added] } = await postgres.query<ResourceRow>(
        `INSERT INTO resources (id, owner, name, content, created_at)
         VALUES ($1, $2, $3, $4, date_trunc('milliseconds', now()))
         ON CONFLICT (id) DO NOTHING RETURNING ${COLUMNS}`,
        [id, owner, name, content],
      );
      if (added !== undefined) return resourceOf(added);
      // A statement of its own: the first one's snapshot may be from before it.
      const { rows: [present] } = await postgres.query<ResourceRow>(
        `SELECT ${COLUMNS} FROM resources WHERE id = $1 AND owner = $2`,
        [id, owner],
      );
      return present && resourceOf(present);
    },
    async remove(id, owner) {
      const { rowCount } = await postgres.query(
        `DELETE FROM resources WHERE id = $1 AND owner = coalesce($2, owner)`,
        [id, owner ?? null],
      );
      return rowCount === 1;
    },
  };
}

function resourceOf({ created_at: createdAt, ...row }: ResourceRow): Resource {
  return { ...row, createdAt };
}
