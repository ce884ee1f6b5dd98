/**
 * The engine's statements. Each is the whole of one step of its work: what it
 * writes is written together or not at all.
 *
 * @module
 */

const NEW_TASKS =
  `(node text, kind text, host text, ready_in_ms double precision,
  failures integer)`;

/** A task's moment, or now: by the database's clock, whatever the worker's shows. */
const READY_AT =
  "clock_timestamp() + coalesce(t.ready_in_ms, 0) * interval '1 ms'";

/**
 * $1 what begins. Returns the runs that have begun: not those of a delivery that
 * was there.
 */
export const BEGIN_RUNS = `
WITH input AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS b (project_id text, slug text,
    delivery_id text, run_id uuid, workflow_id uuid, version integer,
    status text, test boolean, events jsonb, tasks jsonb)
), first AS (
  INSERT INTO deliveries (project_id, slug, delivery_id, run_id)
  SELECT project_id, slug, delivery_id, run_id FROM input
  WHERE delivery_id IS NOT NULL
  ORDER BY project_id, slug, delivery_id
  ON CONFLICT DO NOTHING
  RETURNING run_id
), begun AS (
  SELECT * FROM input
  WHERE delivery_id IS NULL OR run_id IN (SELECT run_id FROM first)
), run AS (
  INSERT INTO runs (id, project_id, workflow_id, version, status, last_seq,
    test, ended_at)
  SELECT run_id, project_id, workflow_id, version, status,
    jsonb_array_length(events), test,
    CASE WHEN status = 'running' THEN NULL ELSE clock_timestamp() END
  FROM begun
  RETURNING id
), appended AS (
  INSERT INTO run_events (run_id, seq, project_id, event)
  SELECT run_id, e.ordinality, project_id, e.value
  FROM begun, jsonb_array_elements(events) WITH ORDINALITY e
), queued AS (
  INSERT INTO tasks (run_id, node, project_id, kind, host, ready_at)
  SELECT run_id, t.node, project_id, t.kind, coalesce(t.host, ''), ${READY_AT}
  FROM begun, jsonb_to_recordset(tasks) AS t ${NEW_TASKS}
)
SELECT id AS run_id FROM run`;

/** Of {@link RUN_TABLES}: a run with its events. */
export const RUN_COLUMNS =
  `r.id AS run_id, r.project_id, r.workflow_id, r.version,
  v.definition,
  (SELECT jsonb_agg(jsonb_build_object('seq', e.seq, 'event', e.event,
      'at_ms', floor(extract(epoch FROM e.at) * 1000)) ORDER BY e.seq)
    FROM run_events e WHERE e.run_id = r.id) AS events`;

export const RUN_TABLES = `runs r JOIN workflow_versions v
  ON v.workflow_id = r.workflow_id AND v.version = r.version`;

/** $1 run. */
export const LOAD_RUN = `SELECT ${RUN_COLUMNS} FROM ${RUN_TABLES}
WHERE r.id = $1`;

/** $1 worker, $2 limit, $3 lease in ms. See migrations/0002_claim_tasks.sql. */
export const CLAIM_TASKS = "SELECT * FROM claim_tasks($1, $2, $3)";

/** $1 runs. */
export const LOAD_RUNS = `SELECT ${RUN_COLUMNS} FROM ${RUN_TABLES}
WHERE r.id = ANY ($1)`;

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
    retry_in_ms double precision, tasks jsonb, goes_on text,
    lease_ms double precision)
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
    AND (c.status <> 'running' OR (t.node = c.node AND c.retry_in_ms IS NULL))
    AND NOT (c.dead AND t.node = c.node)
), kept AS (
  UPDATE tasks t SET locked_by = NULL, lease_until = NULL,
    failures = t.failures + 1,
    state = CASE WHEN c.dead THEN 'dead' ELSE 'ready' END,
    ready_at = CASE WHEN c.dead THEN t.ready_at
      ELSE clock_timestamp() + c.retry_in_ms * interval '1 ms' END
  FROM changed c
  WHERE t.run_id = c.run_id AND t.node = c.node
    AND (c.dead OR (c.status = 'running' AND c.retry_in_ms IS NOT NULL))
), queued AS (
  INSERT INTO tasks (run_id, node, project_id, kind, host, ready_at, attempt,
    locked_by, lease_until)
  SELECT c.run_id, t.node, c.project_id, t.kind, coalesce(t.host, ''),
    ${READY_AT}, CASE WHEN t.node = c.goes_on THEN 1 ELSE 0 END,
    CASE WHEN t.node = c.goes_on THEN c.worker_id END,
    CASE WHEN t.node = c.goes_on
      THEN clock_timestamp() + c.lease_ms * interval '1 ms' END
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

/** $1 run, $2 node, $3 worker, $4 attempt, $5 host. */
export const ENTER_HOST = "SELECT enter_host($1, $2, $3, $4, $5) AS entered";

/**
 * $1 run, $2 node, $3 worker, $4 attempt, $5 host, $6 for how many ms that is
 * held, or null. The attempt does not count: nothing was begun.
 */
export const RELEASE_TASK = `
WITH released AS (
  UPDATE tasks SET attempt = attempt - 1, locked_by = NULL, lease_until = NULL,
    host = $5, ready_at = greatest(ready_at,
      clock_timestamp() + $6::double precision * interval '1 ms')
  WHERE run_id = $1 AND node = $2 AND locked_by = $3 AND attempt = $4
    AND state = 'ready'
  RETURNING project_id
)
INSERT INTO host_holds AS o (project_id, host, held_until)
SELECT project_id, $5, clock_timestamp() + $6 * interval '1 ms'
FROM released WHERE $6 IS NOT NULL
ON CONFLICT (project_id, host) DO UPDATE
  SET held_until = greatest(o.held_until, excluded.held_until)`;

/**
 * In milliseconds from now; null if nothing waits. $1: for how long it has been
 * known that what was due before is held back.
 */
export const NEXT_DUE = `
SELECT (extract(epoch FROM least(
    (SELECT min(ready_at) FROM tasks WHERE state = 'ready'
      AND ready_at > clock_timestamp() - $1 * interval '1 ms'
      AND lease_until IS NULL),
    (SELECT min(lease_until) FROM tasks WHERE state = 'ready'
      AND lease_until > clock_timestamp() - $1 * interval '1 ms'),
    (SELECT min(held_until) FROM host_holds
      WHERE held_until > clock_timestamp() - $1 * interval '1 ms')
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
SELECT run.id, t.node, $2, t.kind, coalesce(t.host, ''), ${READY_AT}
FROM run, jsonb_to_recordset($5::jsonb) AS t ${NEW_TASKS}`;
