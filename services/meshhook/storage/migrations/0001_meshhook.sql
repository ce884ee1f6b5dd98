-- Everything of a project carries its id, and row level security keeps it from
-- every other project: two roles are all that touch it, and neither can bypass
-- it. The service's own user only enters them (SET LOCAL ROLE).

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'meshhook_tenant') THEN
    CREATE ROLE meshhook_tenant NOLOGIN NOBYPASSRLS;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'meshhook_engine') THEN
    CREATE ROLE meshhook_engine NOLOGIN NOBYPASSRLS;
  END IF;
END $$;
GRANT meshhook_tenant, meshhook_engine TO CURRENT_USER;

CREATE TABLE projects (
  id text PRIMARY KEY,
  name text NOT NULL,
  -- Runs and their events are kept this long after their end.
  retention interval NOT NULL DEFAULT '30 days',
  -- Steps in hand at most, of all its workers together; and calls of one host.
  max_concurrency integer NOT NULL DEFAULT 50 CHECK (max_concurrency > 0),
  max_host_concurrency integer NOT NULL DEFAULT 20
    CHECK (max_host_concurrency > 0),
  -- Webhooks taken in a minute: 0 is no limit, null the servers' setting.
  webhooks_per_minute integer CHECK (webhooks_per_minute >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  -- It has ended, and its rows are being removed.
  erased_at timestamptz
);

CREATE TABLE api_keys (
  key_hash bytea PRIMARY KEY,
  project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (project_id, name)
);

-- Whose access tokens act for a project, by their subject.
CREATE TABLE project_members (
  project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
  subject text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, subject)
);

CREATE TABLE secrets (
  project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
  name text NOT NULL,
  value_encrypted bytea NOT NULL,
  -- What it was before: what is signed with that is taken for a while.
  previous_encrypted bytea,
  previous_until timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, name)
);

CREATE TABLE workflows (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
  name text NOT NULL,
  -- What is being written; published versions never change.
  draft jsonb NOT NULL,
  published_version integer,
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (project_id, name)
);

CREATE TABLE workflow_versions (
  workflow_id uuid NOT NULL REFERENCES workflows ON DELETE CASCADE,
  version integer NOT NULL,
  project_id text NOT NULL,
  definition jsonb NOT NULL,
  published_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workflow_id, version)
);
CREATE FUNCTION refuse_version_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a published version never changes';
END $$;
CREATE TRIGGER workflow_versions_immutable BEFORE UPDATE ON workflow_versions
  FOR EACH ROW EXECUTE FUNCTION refuse_version_change();

-- Where webhooks come in: POST /hooks/<project>/<slug>.
CREATE TABLE hooks (
  project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
  slug text NOT NULL,
  workflow_id uuid NOT NULL REFERENCES workflows ON DELETE CASCADE,
  -- {scheme, secrets: [names of secrets], ...}: more than one while they rotate.
  signature jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, slug)
);

CREATE TABLE runs (
  id uuid PRIMARY KEY,
  project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
  workflow_id uuid NOT NULL,
  version integer NOT NULL,
  -- A projection of its events, written together with them.
  status text NOT NULL DEFAULT 'running'
    CHECK (status IN ('running', 'succeeded', 'failed', 'cancelled')),
  last_seq integer NOT NULL,
  test boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  FOREIGN KEY (workflow_id, version) REFERENCES workflow_versions
);
CREATE INDEX runs_project ON runs (project_id, created_at DESC, id);
CREATE INDEX runs_ended ON runs (project_id, ended_at) WHERE ended_at IS NOT NULL;

-- A webhook that came before is answered with the run that it began.
CREATE TABLE deliveries (
  project_id text NOT NULL,
  slug text NOT NULL,
  delivery_id text NOT NULL,
  run_id uuid NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, slug, delivery_id)
);
CREATE INDEX deliveries_age ON deliveries (project_id, received_at);

-- What happened in each run: only ever added to, numbered from 1 without a gap.
CREATE TABLE run_events (
  run_id uuid NOT NULL,
  seq integer NOT NULL,
  project_id text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  event jsonb NOT NULL,
  PRIMARY KEY (run_id, seq)
) PARTITION BY HASH (run_id);
CREATE TABLE run_events_0 PARTITION OF run_events
  FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE run_events_1 PARTITION OF run_events
  FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE run_events_2 PARTITION OF run_events
  FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE run_events_3 PARTITION OF run_events
  FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE run_events_4 PARTITION OF run_events
  FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE run_events_5 PARTITION OF run_events
  FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE run_events_6 PARTITION OF run_events
  FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE run_events_7 PARTITION OF run_events
  FOR VALUES WITH (MODULUS 8, REMAINDER 7);
CREATE FUNCTION refuse_event_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'run_events is append-only';
END $$;
CREATE TRIGGER run_events_append_only BEFORE UPDATE ON run_events
  FOR EACH ROW EXECUTE FUNCTION refuse_event_change();

-- What is to be done: a step of a run, held by one worker at a time.
CREATE TABLE tasks (
  run_id uuid NOT NULL,
  node text NOT NULL,
  project_id text NOT NULL,
  kind text NOT NULL,
  -- Of an http_call: as soon as it is known. '' is none.
  host text NOT NULL DEFAULT '',
  state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'dead')),
  ready_at timestamptz NOT NULL,
  -- How often it was taken up. Together with locked_by, the fence: who holds
  -- another pair has lost it.
  attempt integer NOT NULL DEFAULT 0,
  -- How many attempts came to an end, and failed.
  failures integer NOT NULL DEFAULT 0,
  locked_by uuid,
  lease_until timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (run_id, node)
);
CREATE INDEX tasks_ready ON tasks (ready_at) WHERE state = 'ready';
CREATE INDEX tasks_dead ON tasks (project_id, created_at) WHERE state = 'dead';

-- Who looked at a secret, made or removed something.
CREATE TABLE audit_entries (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  project_id text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  actor text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL
);
CREATE INDEX audit_entries_project ON audit_entries (project_id, id);

GRANT SELECT, INSERT, UPDATE, DELETE ON
  projects, api_keys, project_members, secrets, workflows, workflow_versions, hooks, runs,
  deliveries, run_events, tasks, audit_entries
  TO meshhook_tenant, meshhook_engine;

-- A project changes neither what happened nor what is on record, and only
-- operators make projects and keys.
REVOKE UPDATE, DELETE ON run_events, workflow_versions, audit_entries
  FROM meshhook_tenant;
REVOKE INSERT, UPDATE, DELETE ON projects, api_keys FROM meshhook_tenant;

DO $$
DECLARE
  name text;
  owner text;
BEGIN
  FOREACH name IN ARRAY ARRAY['projects', 'api_keys', 'project_members',
    'secrets', 'workflows', 'workflow_versions', 'hooks', 'runs', 'deliveries', 'run_events', 'tasks',
    'audit_entries']
  LOOP
    owner := CASE name WHEN 'projects' THEN 'id' ELSE 'project_id' END;
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
      'CREATE POLICY tenant ON %I TO meshhook_tenant
       USING (%I = current_setting(''meshhook.project'', true))
       WITH CHECK (%I = current_setting(''meshhook.project'', true))',
      name, owner, owner);
    EXECUTE format(
      'CREATE POLICY engine ON %I TO meshhook_engine
       USING (true) WITH CHECK (true)', name);
  END LOOP;
END $$;

-- Not part of the data: gone with a crash, and beating again a moment later.
CREATE SCHEMA meshhook_health;
CREATE UNLOGGED TABLE meshhook_health.heartbeats (
  worker_id uuid PRIMARY KEY,
  kind text NOT NULL,
  version text NOT NULL,
  beat_at timestamptz NOT NULL
);
GRANT USAGE ON SCHEMA meshhook_health TO meshhook_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON meshhook_health.heartbeats
  TO meshhook_engine;
