import process from "node:process";
import type { ServiceIdentity } from "../lifecycle/module.ts";
import { memoryLimit } from "./memory_limit.ts";
import type { Metrics } from "./metrics.ts";

/**
 * Adds `build_info` and what the process and its runtime say of themselves,
 * read at each scrape. All services of one process show the same figures.
 */
export function addRuntimeMetrics(
  metrics: Metrics,
  identity: ServiceIdentity,
): void {
  metrics.gauge({
    name: "build_info",
    help: "1, with what runs here.",
    labels: ["service", "version", "environment", "runtime"],
  }).set({
    service: identity.name,
    version: identity.version,
    environment: identity.environment,
    runtime: `deno-${Deno.version.deno}`,
  }, 1);
  metrics.gauge({
    name: "process_start_time_seconds",
    help: "When the process started, in Unix time.",
  }).set({}, performance.timeOrigin / 1000);

  const cpu = metrics.counter({
    name: "process_cpu_seconds_total",
    help: "User and system CPU time spent.",
  });
  const resident = metrics.gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory.",
  });
  const used = metrics.gauge({
    name: "memory_usage_bytes",
    help: "Resident memory, to be held against memory_limit_bytes.",
  });
  const limit = metrics.gauge({
    name: "memory_limit_bytes",
    help: "The control group's limit of memory; absent where there is none.",
  });
  const heapUsed = metrics.gauge({
    name: "runtime_heap_used_bytes",
    help: "JavaScript heap in use.",
  });
  const heapTotal = metrics.gauge({
    name: "runtime_heap_size_bytes",
    help: "JavaScript heap taken from the system.",
  });
  const external = metrics.gauge({
    name: "runtime_external_memory_bytes",
    help: "Memory outside the heap that JavaScript objects hold.",
  });
  let counted = 0;
  metrics.onScrape(() => {
    const { user, system } = process.cpuUsage();
    const seconds = (user + system) / 1e6;
    cpu.add({}, Math.max(0, seconds - counted));
    counted = seconds;
    const memory = Deno.memoryUsage();
    resident.set({}, memory.rss);
    used.set({}, memory.rss);
    const limitBytes = memoryLimit();
    if (limitBytes === undefined) limit.remove({});
    else limit.set({}, limitBytes);
    heapUsed.set({}, memory.heapUsed);
    heapTotal.set({}, memory.heapTotal);
    external.set({}, memory.external);
  });
}
