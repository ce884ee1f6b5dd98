import { grouped, type Postgres } from "@mainstay/adapters/postgres";
import type { WorkflowDefinition } from "@mainstay/contracts/meshhook_workflow";
import type { Hook, HookStore } from "../domain/hook.ts";

interface HookRow {
  readonly project_id: string;
  readonly slug: string;
  readonly signature: Hook["signature"];
  readonly webhooks_per_minute: number | null;
  readonly workflow_id: string;
  readonly version: number | null;
  readonly definition: WorkflowDefinition | null;
  readonly secret_names: string[];
  readonly secret_values: Uint8Array[];
}

/** $1 projects, $2 a slug for each. */
const FIND_HOOKS = `SELECT h.project_id, h.slug, h.signature, h.workflow_id,
  p.webhooks_per_minute, v.version, v.definition, s.secret_names, s.secret_values
FROM hooks h JOIN projects p ON p.id = h.project_id
JOIN workflows w ON w.id = h.workflow_id
LEFT JOIN workflow_versions v ON v.workflow_id = w.id
  AND v.version = w.published_version
CROSS JOIN LATERAL (
  SELECT coalesce(array_agg(name), '{}') AS secret_names,
    coalesce(array_agg(value), '{}') AS secret_values
  FROM secrets, unnest(ARRAY[value_encrypted,
    CASE WHEN previous_until > now() THEN previous_encrypted END]
  ) AS value
  WHERE project_id = h.project_id AND value IS NOT NULL
    AND h.signature->'secrets' ? name
) s
WHERE (h.project_id, h.slug) IN (SELECT * FROM unnest($1::text[], $2::text[]))`;

/**
 * Finds hooks in the tables of every project.
 *
 * @param postgres Whose connections are in the role `meshhook_engine`.
 */
export function postgresHookStore(postgres: Postgres): HookStore {
  const find = grouped(async (places: readonly HookPlace[]) => {
    const { rows } = await postgres.query<HookRow>({
      name: "find-hooks",
      text: FIND_HOOKS,
      values: [
        places.map(({ projectId }) => projectId),
        places.map(({ slug }) => slug),
      ],
    });
    const hooks = new Map(
      rows.map((row) => [placeKey(row.project_id, row.slug), hookOf(row)]),
    );
    return places.map(({ projectId, slug }) =>
      hooks.get(placeKey(projectId, slug))
    );
  });
  return { find: (projectId, slug) => find({ projectId, slug }) };
}

interface HookPlace {
  readonly projectId: string;
  readonly slug: string;
}

const placeKey = (projectId: string, slug: string) =>
  JSON.stringify([projectId, slug]);

function hookOf(row: HookRow): Hook {
  const { version, definition } = row;
  return {
    projectId: row.project_id,
    slug: row.slug,
    signature: row.signature,
    secrets: row.secret_names.map((name, at) => ({
      name,
      encrypted: row.secret_values[at]!,
    })),
    workflowId: row.workflow_id,
    ...(row.webhooks_per_minute === null
      ? {}
      : { webhooksPerMinute: row.webhooks_per_minute }),
    ...(version === null || definition === null
      ? {}
      : { published: { version, definition } }),
  };
}
