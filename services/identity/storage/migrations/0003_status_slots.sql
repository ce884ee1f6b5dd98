-- A row per change cannot tell "was well" from "nobody looked": counts can, for
-- several watchers at once.
DROP TABLE service_status;

CREATE TABLE service_states (
  service text PRIMARY KEY,
  up boolean NOT NULL,
  since timestamptz NOT NULL
);

-- A quarter of an hour of a service: how often it was asked, and was well.
CREATE TABLE service_slots (
  service text NOT NULL,
  slot timestamptz NOT NULL,
  asked integer NOT NULL,
  well integer NOT NULL,
  PRIMARY KEY (service, slot)
);

-- For those who see everyone's.
CREATE INDEX resources_created ON resources (created_at, id);
