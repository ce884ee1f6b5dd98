/**
 * The engine's statements. Each is the whole of one step of its work: what it
 * writes is written together or not at all.
 *
 * @module
 */

const NEW_TASKS =
  `(node text, kind text, host text, ready_at_ms double precision,
  failures integer)`;

/** A task's moment, or now. */
const READY_AT =
  "coalesce(to_timestamp(t.ready_at_ms / 1000), clock_timestamp())";

/**
 * $1 project, $2 slug, $3 delivery (null: not looked for), $4 run, $5 workflow,
 * $6 version, $7 status, $8 test, $9 events, $10 tasks. Returns null for a
 * delivery that was there.
 */
export const BEGIN_RUN = `
WITH first AS (
  INSERT INTO deliveries (project_id, slug, delivery_id, run_id)
  SELECT $1, $2, $3, $4::uuid WHERE $3::text IS NOT NULL
  ON CONFLICT DO NOTHING
  RETURNING run_id
), run AS (
  INSERT INTO runs (id, project_id, workflow_id, version, status, last_seq,
    test, ended_at)
  SELECT $4::uuid, $1, $5::uuid, $6, $7, jsonb_array_length($9::jsonb), $8,
    CASE WHEN $7 = 'running' THEN NULL ELSE clock_timestamp() END
  WHERE $3::text IS NULL OR EXISTS (SELECT FROM first)
  RETURNING id
), appended AS (
  INSERT INTO run_events (run_id, seq, project_id, event)
  SELECT run.id, e.ordinality, $1, e.value
  FROM run, jsonb_array_elements($9::jsonb) WITH ORDINALITY e
), queued AS (
  INSERT INTO tasks (run_id, node, project_id, kind, host, ready_at)
  SELECT run.id, t.node, $1, t.kind, t.host, ${READY_AT}
  FROM run, jsonb_to_recordset($10::jsonb) AS t ${NEW_TASKS}
)
SELECT (SELECT id FROM run) AS run_id`;

const RUN_COLUMNS = `r.id AS run_id, r.project_id, r.workflow_id, r.version,
  v.definition,
  (SELECT jsonb_agg(jsonb_build_object('seq', e.seq, 'event', e.event,
      'at_ms', floor(extract(epoch FROM e.at) * 1000)) ORDER BY e.seq)
    FROM run_events e WHERE e.run_id = r.id) AS events`;

const RUN_TABLES = `runs r JOIN workflow_versions v
  ON v.workflow_id = r.workflow_id AND v.version = r.version`;

/** $1 run. */
export const LOAD_RUN = `SELECT ${RUN_COLUMNS} FROM ${RUN_TABLES}
WHERE r.id = $1`;

/**
 * $1 worker, $2 limit, $3 lease in ms.
 *
 * Walks over the projects that have tasks, taking a few of each, so that one
 * with a million waiting delays nobody else; none gets past its own limit.
 */
export const CLAIM_TASKS = `
WITH RECURSIVE waiting (project_id) AS (
  SELECT min(project_id) FROM tasks WHERE state = 'ready'
  UNION ALL
  SELECT (SELECT min(project_id) FROM tasks
    WHERE state = 'ready' AND project_id > waiting.project_id)
  FROM waiting WHERE waiting.project_id IS NOT NULL
), candidates AS (
  SELECT due.run_id, due.node, due.rank, due.ready_at
  FROM waiting JOIN projects p ON p.id = waiting.project_id
  CROSS JOIN LATERAL (
    SELECT greatest(0, p.max_concurrency - count(*)) AS free FROM tasks
    WHERE project_id = p.id AND state = 'ready' AND lease_until > now()
  ) held
  CROSS JOIN LATERAL (
    SELECT run_id, node, ready_at, row_number() OVER (ORDER BY ready_at) AS rank
    FROM (
      SELECT run_id, node, ready_at FROM tasks
      WHERE project_id = p.id AND state = 'ready' AND ready_at <= now()
        AND (lease_until IS NULL OR lease_until <= now())
      ORDER BY ready_at LIMIT least($2, held.free)
    ) first
  ) due
  ORDER BY due.rank, due.ready_at LIMIT $2
), taken AS (
  SELECT t.run_id, t.node FROM tasks t
  WHERE (t.run_id, t.node) IN (SELECT run_id, node FROM candidates)
    AND t.state = 'ready' AND (t.lease_until IS NULL OR t.lease_until <= now())
  FOR UPDATE SKIP LOCKED
), claimed AS (
  UPDATE tasks t SET attempt = t.attempt + 1, locked_by = $1,
    lease_until = clock_timestamp() + $3 * interval '1 ms'
  FROM taken WHERE t.run_id = taken.run_id AND t.node = taken.node
  RETURNING t.run_id, t.node, t.kind, t.attempt, t.failures
)
SELECT c.node, c.kind, c.attempt, c.failures, ${RUN_COLUMNS}
FROM claimed c JOIN ${RUN_TABLES} ON r.id = c.run_id`;

const FENCES = `position integer, run_id uuid, node text, worker_id uuid,
  attempt integer`;

/**
 * $1 completions. A run that several of them change is changed by one; the
 * others are outrun, and have to be reckoned again.
 */
export const COMPLETE_TASKS = `
WITH input AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS c (${FENCES},
    last_seq integer, events jsonb, status text, dead boolean,
    retry_at_ms double precision, tasks jsonb)
), locked AS (
  SELECT id, last_seq, status FROM runs
  WHERE id IN (SELECT run_id FROM input) ORDER BY id FOR UPDATE
), held AS (
  SELECT i.* FROM input i JOIN tasks t
    ON t.run_id = i.run_id AND t.node = i.node AND t.locked_by = i.worker_id
    AND t.attempt = i.attempt AND t.state = 'ready'
  JOIN locked ON locked.id = i.run_id AND locked.status = 'running'
), chosen AS (
  SELECT DISTINCT ON (h.run_id) h.* FROM held h
  JOIN locked ON locked.id = h.run_id AND locked.last_seq = h.last_seq
  ORDER BY h.run_id, h.position
), changed AS (
  UPDATE runs r SET status = c.status,
    last_seq = r.last_seq + jsonb_array_length(c.events),
    ended_at = CASE WHEN c.status = 'running' THEN NULL
      ELSE clock_timestamp() END
  FROM chosen c WHERE r.id = c.run_id
  RETURNING r.project_id, c.*
), appended AS (
  INSERT INTO run_events (run_id, seq, project_id, event)
  SELECT c.run_id, c.last_seq + e.ordinality, c.project_id, e.value
  FROM changed c, jsonb_array_elements(c.events) WITH ORDINALITY e
), done AS (
  DELETE FROM tasks t USING changed c
  WHERE t.run_id = c.run_id
    AND (c.status <> 'running' OR (t.node = c.node AND c.retry_at_ms IS NULL))
    AND NOT (c.dead AND t.node = c.node)
), kept AS (
  UPDATE tasks t SET locked_by = NULL, lease_until = NULL,
    failures = t.failures + 1,
    state = CASE WHEN c.dead THEN 'dead' ELSE 'ready' END,
    ready_at = CASE WHEN c.dead THEN t.ready_at
      ELSE to_timestamp(c.retry_at_ms / 1000) END
  FROM changed c
  WHERE t.run_id = c.run_id AND t.node = c.node
    AND (c.dead OR (c.status = 'running' AND c.retry_at_ms IS NOT NULL))
), queued AS (
  INSERT INTO tasks (run_id, node, project_id, kind, host, ready_at)
  SELECT c.run_id, t.node, c.project_id, t.kind, t.host, ${READY_AT}
  FROM changed c, jsonb_to_recordset(c.tasks) AS t ${NEW_TASKS}
)
SELECT i.position, CASE
    WHEN EXISTS (SELECT FROM changed c WHERE c.position = i.position)
      THEN 'written'
    WHEN EXISTS (SELECT FROM held h WHERE h.position = i.position)
      THEN 'outrun'
    ELSE 'lost' END AS outcome
FROM input i`;

/** $1 fences, $2 lease in ms. */
export const EXTEND_LEASES = `
UPDATE tasks t SET lease_until = clock_timestamp() + $2 * interval '1 ms'
FROM jsonb_to_recordset($1::jsonb) AS f (${FENCES})
WHERE t.run_id = f.run_id AND t.node = f.node AND t.locked_by = f.worker_id
  AND t.attempt = f.attempt AND t.state = 'ready'
RETURNING f.position`;

/** In milliseconds from now; null if nothing waits. */
export const NEXT_DUE = `
SELECT (extract(epoch FROM least(
    (SELECT min(ready_at) FROM tasks
      WHERE state = 'ready' AND lease_until IS NULL),
    (SELECT min(lease_until) FROM tasks WHERE state = 'ready')
  ) - clock_timestamp()) * 1000)::double precision AS ms`;

/** $1 run, whose row is locked and whose tasks are gone; $2 project, $3 status, $4 events, $5 tasks. */
export const CHANGE_RUN = `
WITH run AS (
  UPDATE runs SET status = $3,
    last_seq = last_seq + jsonb_array_length($4::jsonb),
    ended_at = CASE WHEN $3 = 'running' THEN NULL ELSE clock_timestamp() END
  WHERE id = $1
  RETURNING id, last_seq - jsonb_array_length($4::jsonb) AS before
), appended AS (
  INSERT INTO run_events (run_id, seq, project_id, event)
  SELECT run.id, run.before + e.ordinality, $2, e.value
  FROM run, jsonb_array_elements($4::jsonb) WITH ORDINALITY e
)
INSERT INTO tasks (run_id, node, project_id, kind, host, ready_at)
SELECT run.id, t.node, $2, t.kind, t.host, ${READY_AT}
FROM run, jsonb_to_recordset($5::jsonb) AS t ${NEW_TASKS}`;
