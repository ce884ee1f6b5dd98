import { throws } from "node:assert/strict";
import { Degraded } from "@mainstay/kernel/health";
import type { DatabaseReport } from "./health_probes.ts";
import { judgeDatabase, judgeWorkers } from "./judge_health.ts";

const well: DatabaseReport = {
  inRecovery: false,
  readOnly: false,
  schemaVersion: 3,
  expectedVersion: 3,
  saturated: false,
};
const judge = (changes: Partial<DatabaseReport>) => () =>
  judgeDatabase({ ...well, ...changes });

Deno.test("judgeDatabase() wants a database that takes writes and has the schema", () => {
  judge({})();
  throws(judge({ inRecovery: true }), /in recovery/);
  throws(judge({ readOnly: true }), /no writes/);
  throws(judge({ schemaVersion: 2 }), /version 2, not 3/);
});

Deno.test("judgeDatabase() is content with a newer schema and a full pool, but says so", () => {
  throws(judge({ schemaVersion: 4 }), Degraded);
  throws(judge({ saturated: true }), Degraded);
});

Deno.test("judgeWorkers() wants a beat of each kind that is at most 15 s old", () => {
  const beats = (orchestrator: number, executor?: number) => () =>
    judgeWorkers({
      beatAgesMs: {
        orchestrator,
        ...(executor === undefined ? {} : { executor }),
      },
      overdue: false,
    });
  beats(0, 15_000)();
  throws(beats(0, 15_001), /of kind executor$/);
  throws(beats(15_001, 0), /of kind orchestrator$/);
  throws(beats(0), /of kind executor$/);
  throws(
    () => judgeWorkers({ beatAgesMs: {}, overdue: false }),
    /orchestrator, executor/,
  );
});

Deno.test("judgeWorkers() takes workers that beat and let a task wait for none", () => {
  throws(
    () =>
      judgeWorkers({
        beatAgesMs: { orchestrator: 0, executor: 0 },
        overdue: true,
      }),
    /waiting/,
  );
});
