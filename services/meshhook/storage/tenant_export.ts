import type { ExportLine } from "../domain/tenant_store.ts";
import type { AsTenant } from "./as_tenant.ts";

const PAGE = 200;
/** A run's events may be many megabytes: those of so few are held at once. */
const RUNS_PAGE = 5;

/** One kind of row: $1 the key of the one before, $2 how many. */
interface Source {
  readonly text: string;
  readonly first: string;
}

/** Every row is a line, in the order of its key. */
const SOURCES: readonly Source[] = [
  {
    first: "",
    text: `SELECT w.name AS key, jsonb_strip_nulls(jsonb_build_object(
        'kind', 'workflow', 'name', w.name, 'draft', w.draft,
        'publishedVersion', w.published_version, 'updatedAt', w.updated_at
      )) AS line
      FROM workflows w WHERE w.name > $1 ORDER BY w.name LIMIT $2`,
  },
  {
    first: "",
    text: `SELECT w.name || ' ' || lpad(v.version::text, 10, '0') AS key,
        jsonb_build_object('kind', 'version', 'workflow', w.name,
          'version', v.version, 'definition', v.definition) AS line
      FROM workflow_versions v JOIN workflows w ON w.id = v.workflow_id
      WHERE w.name || ' ' || lpad(v.version::text, 10, '0') > $1
      ORDER BY 1 LIMIT $2`,
  },
  {
    first: "",
    text: `SELECT h.slug AS key, jsonb_build_object('kind', 'hook',
        'slug', h.slug, 'workflow', w.name,
        'signature', h.signature) AS line
      FROM hooks h JOIN workflows w ON w.id = h.workflow_id
      WHERE h.slug > $1 ORDER BY h.slug LIMIT $2`,
  },
];

const FIRST_ID = "00000000-0000-0000-0000-000000000000";

/** Runs by their id, each followed by its events. */
const RUNS = `SELECT r.id AS key, jsonb_strip_nulls(jsonb_build_object(
    'kind', 'run', 'id', r.id, 'workflow', w.name, 'version', r.version,
    'status', r.status, 'test', r.test, 'createdAt', r.created_at,
    'endedAt', r.ended_at
  )) AS line
  FROM runs r JOIN workflows w ON w.id = r.workflow_id
  WHERE r.id > $1::uuid ORDER BY r.id LIMIT $2`;

const EVENTS = `SELECT run_id AS key, jsonb_build_object('kind', 'event',
    'runId', run_id, 'seq', seq,
    'atMs', floor(extract(epoch FROM at) * 1000), 'event', event) AS line
  FROM run_events WHERE run_id = ANY ($1::uuid[]) ORDER BY run_id, seq`;

interface LineRow {
  readonly key: string;
  readonly line: ExportLine;
}

/**
 * Reads all of a project but its secrets, a page at a time and each page by
 * itself: what changes meanwhile is there as it was or as it is.
 */
export async function* tenantExport(
  asTenant: AsTenant,
): AsyncGenerator<ExportLine> {
  const read = (text: string, values: readonly unknown[]) =>
    asTenant(async (transaction) =>
      (await transaction.query<LineRow>(text, [...values])).rows
    );
  for (const { text, first } of SOURCES) {
    for await (const rows of pages(read, text, first)) {
      for (const { line } of rows) yield line;
    }
  }
  for await (const runs of pages(read, RUNS, FIRST_ID, RUNS_PAGE)) {
    const events = Map.groupBy(
      await read(EVENTS, [runs.map(({ key }) => key)]),
      ({ key }) => key,
    );
    for (const { key, line } of runs) {
      yield line;
      for (const event of events.get(key) ?? []) yield event.line;
    }
  }
}

async function* pages(
  read: (text: string, values: readonly unknown[]) => Promise<LineRow[]>,
  text: string,
  first: string,
  page = PAGE,
): AsyncGenerator<readonly LineRow[]> {
  let after: string | undefined = first;
  while (after !== undefined) {
    const rows: readonly LineRow[] = await read(text, [after, page]);
    if (rows.length > 0) yield rows;
    after = rows.length < page ? undefined : rows.at(-1)?.key;
  }
}
