-- What keeps a host's calls back, by project, so that none closes a host to
-- another: a breaker, or a limit. The host '' stands for the project's own
-- limit. Not part of the data: after a crash it is found out again.
CREATE UNLOGGED TABLE host_holds (
  project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
  host text NOT NULL,
  -- Until then nothing of it is claimed.
  held_until timestamptz NOT NULL DEFAULT '-infinity',
  -- When something that was due was last left because of a limit.
  limited_at timestamptz NOT NULL DEFAULT '-infinity',
  PRIMARY KEY (project_id, host)
);
ALTER TABLE host_holds ENABLE ROW LEVEL SECURITY;
ALTER TABLE host_holds FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON host_holds TO meshhook_engine
  USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON host_holds TO meshhook_engine;

-- A lane: what a project has to do with one host, or with none.
CREATE INDEX tasks_lane ON tasks (project_id, host, ready_at)
  WHERE state = 'ready';
CREATE INDEX tasks_leased ON tasks (lease_until)
  WHERE state = 'ready' AND lease_until IS NOT NULL;

-- Takes tasks that are due. One claim at a time: a limit is counted in what the
-- one before has committed, so any number of workers stay within it together.
--
-- Walks over the lanes that have tasks, taking a few of each, so that one with a
-- million waiting delays no other, be it of another project or of its own.
CREATE FUNCTION claim_tasks(worker uuid, most integer, lease_ms double precision)
RETURNS TABLE (run_id uuid, node text, kind text, host text, attempt integer,
  failures integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  moment timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('meshhook:claim', 0));
  moment := clock_timestamp();
  RETURN QUERY
  WITH RECURSIVE lanes AS (
    (SELECT t.project_id, t.host FROM tasks t WHERE t.state = 'ready'
      ORDER BY t.project_id, t.host LIMIT 1)
    UNION ALL
    SELECT following.project_id, following.host FROM lanes l
    CROSS JOIN LATERAL (
      SELECT t.project_id, t.host FROM tasks t WHERE t.state = 'ready'
        AND (t.project_id, t.host) > (l.project_id, l.host)
      ORDER BY t.project_id, t.host LIMIT 1
    ) following
  ), held AS MATERIALIZED (
    SELECT t.project_id, t.host, count(*) AS count FROM tasks t
    WHERE t.state = 'ready' AND t.lease_until > moment
    GROUP BY t.project_id, t.host
  ), room AS (
    SELECT l.project_id, l.host, p.free,
      CASE WHEN l.host = '' THEN p.free
        ELSE least(p.free, p.max_host_concurrency - coalesce(h.count, 0))
      END AS lane_free
    FROM lanes l JOIN (
      SELECT id, max_host_concurrency, max_concurrency - coalesce((
        SELECT sum(h.count) FROM held h WHERE h.project_id = projects.id
      ), 0) AS free FROM projects WHERE erased_at IS NULL
    ) p ON p.id = l.project_id
    LEFT JOIN held h ON h.project_id = l.project_id AND h.host = l.host
    WHERE NOT EXISTS (
      SELECT FROM host_holds o WHERE o.project_id = l.project_id
        AND o.host = l.host AND o.held_until > moment
    )
  ), due AS (
    SELECT first.*, r.project_id, r.free, row_number() OVER (
        PARTITION BY r.project_id, r.host ORDER BY first.ready_at
      ) AS place
    FROM room r CROSS JOIN LATERAL (
      SELECT t.run_id, t.node, t.ready_at FROM tasks t
      WHERE t.state = 'ready' AND t.project_id = r.project_id
        AND t.host = r.host AND t.ready_at <= moment
        AND (t.lease_until IS NULL OR t.lease_until <= moment)
      ORDER BY t.ready_at LIMIT greatest(0, least(most, r.lane_free))
    ) first
  ), ranked AS (
    SELECT *, row_number() OVER (
      PARTITION BY project_id ORDER BY place, ready_at
    ) AS rank FROM due
  ), chosen AS (
    SELECT run_id, node FROM ranked WHERE rank <= free
    ORDER BY rank, ready_at LIMIT most
  ), limited AS (
    -- Told at most once a second: who looks asks for a minute.
    INSERT INTO host_holds AS o (project_id, host, limited_at)
    SELECT DISTINCT r.project_id, CASE WHEN r.lane_free = r.free THEN ''
      ELSE r.host END, moment
    FROM room r LEFT JOIN (
      SELECT project_id, count(*) AS count FROM due GROUP BY project_id
    ) d ON d.project_id = r.project_id
    WHERE r.lane_free < most AND
      (r.lane_free < r.free OR coalesce(d.count, 0) >= r.free)
    ON CONFLICT (project_id, host) DO UPDATE SET limited_at = moment
      WHERE o.limited_at < moment - interval '1 s'
  ), taken AS (
    SELECT t.run_id, t.node FROM tasks t
    JOIN chosen c ON c.run_id = t.run_id AND c.node = t.node
    WHERE t.state = 'ready'
      AND (t.lease_until IS NULL OR t.lease_until <= moment)
    FOR UPDATE OF t SKIP LOCKED
  )
  UPDATE tasks t SET attempt = t.attempt + 1, locked_by = worker,
    lease_until = moment + lease_ms * interval '1 ms'
  FROM taken WHERE t.run_id = taken.run_id AND t.node = taken.node
  RETURNING t.run_id, t.node, t.kind, t.host, t.attempt, t.failures;
END $$;

-- Counts a task that is in hand for the host that it turns out to call, if that
-- has room; where it has none, the task may not go on.
CREATE FUNCTION enter_host(run uuid, step text, worker uuid, try integer,
  target text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  moment timestamptz;
  entered boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('meshhook:claim', 0));
  moment := clock_timestamp();
  UPDATE tasks t SET host = target FROM projects p
  WHERE t.run_id = run AND t.node = step AND t.locked_by = worker
    AND t.attempt = try AND t.state = 'ready' AND p.id = t.project_id
    AND p.max_host_concurrency > (
      SELECT count(*) FROM tasks o WHERE o.state = 'ready'
        AND o.project_id = p.id AND o.host = target AND o.lease_until > moment
        AND (o.run_id, o.node) <> (run, step)
    ) AND NOT EXISTS (
      SELECT FROM host_holds o WHERE o.project_id = p.id
        AND o.host = target AND o.held_until > moment
    )
  RETURNING true INTO entered;
  RETURN coalesce(entered, false);
END $$;

REVOKE EXECUTE ON FUNCTION claim_tasks, enter_host FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_tasks, enter_host TO meshhook_engine;
