import { createKeyEncryption } from "@mainstay/kernel/encryption";
import {
  type Module,
  type Service,
  systemClock,
} from "@mainstay/kernel/lifecycle";
import type { MeshhookConfig } from "../config.ts";
import type { MeshhookDatabase } from "../domain/meshhook_storage.ts";
import {
  meshhookService as serviceAround,
  type MeshhookServiceOptions,
} from "../meshhook_service.ts";
import { createOrchestrator } from "../worker/create_orchestrator.ts";
import { executorProcess } from "../worker/executor_process.ts";
import { expressionRunner } from "../worker/expression_runner.ts";
import { stepRunners } from "../worker/step_runners.ts";
import { createHostGate } from "../worker/host_gate.ts";
import { upkeepJobs } from "../worker/upkeep_jobs.ts";
import { openTargets } from "../worker/vet_target.ts";
import { workerHeartbeats } from "../worker/worker_heartbeats.ts";
import { wakeFollower } from "../worker/wake_follower.ts";

/** Longest time between two looks at the queue that nobody asked for. */
const POLL_MS = 1_000;

/**
 * A worker: takes the steps that are due, does them, and writes what they came
 * to. Any number of them share one queue.
 */
export function orchestratorService(
  config: MeshhookConfig,
  database: MeshhookDatabase,
  options?: MeshhookServiceOptions,
): Service {
  return serviceAround(config, {
    database,
    module: orchestratorModule(config, database),
    openApi: {
      title: "MeshHook worker",
      description: "Runs workflows; it has no interface but its operations.",
    },
  }, options);
}

/** The worker as a module: a process may have it beside the server. */
export function orchestratorModule(
  config: MeshhookConfig,
  database: MeshhookDatabase,
): Module {
  return {
    name: "orchestrator",
    dependsOn: ["postgres"],
    setup(kernel) {
      const storage = database.open(kernel, config);
      const log = kernel.log.child("orchestrator");
      const encryption = createKeyEncryption(config.meshhookKek);
      const expressions = expressionRunner();
      const targets = config.targets ?? [];
      const executor = executorProcess({
        targets,
        log: kernel.log.child("executor"),
      });
      const workerId = crypto.randomUUID();
      const orchestrator = createOrchestrator({
        store: storage.engine,
        runners: stepRunners({
          expressions,
          executor,
          hosts: createHostGate({
            clock: systemClock,
            log,
            metrics: kernel.metrics,
          }),
          store: storage.engine,
          secrets: storage.secrets,
          encryption,
          open: openTargets(targets),
          eventsUrl: config.eventsUrl,
          eventsApiKey: config.eventsApiKey,
          now: systemClock.now,
        }),
        workerId,
        concurrency: config.workerConcurrency,
        leaseMs: config.leaseMs,
        pollMs: POLL_MS,
        beat: workerHeartbeats({
          store: storage.heartbeats,
          executor,
          workerId,
          version: kernel.identity.version,
          clock: systemClock,
        }),
        clock: systemClock,
        log,
      });
      return {
        // The server beside it has connections of its own, under these names.
        parts: [
          ...storage.parts.map((part) => ({
            ...part,
            name: `worker-${part.name}`,
          })),
          expressions,
          executor,
        ],
        background: [
          orchestrator,
          ...upkeepJobs(kernel, {
            store: storage.upkeep,
            projects: storage.projects,
            encryption,
            clock: systemClock,
          }),
          wakeFollower({
            feed: storage.wakes,
            wake: () => orchestrator.wake(),
            clock: systemClock,
            log,
          }),
        ],
      };
    },
  };
}
