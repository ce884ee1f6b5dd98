import { createRedis, redisSettings } from "@mainstay/adapters/redis";
import { eventsSettings } from "@mainstay/events";
import { redisAuditor } from "@mainstay/events/storage";
import { readConfig } from "@mainstay/kernel/config";
import { createKernel } from "@mainstay/kernel/lifecycle";
import { type CommandIo, defineCommand } from "../command.ts";

/** What the audit is told by its environment: where Redis is, and which stream. */
export const auditSettings = {
  ...redisSettings,
  stream: eventsSettings.stream,
  streamShards: eventsSettings.streamShards,
};

/** `mainstay events audit`. */
export const auditCommand = defineCommand({
  name: "audit",
  summary: "Account for every entry of the stream",
  help:
    `Reads the whole stream, and says for each shard and group what has become
of every entry that was ever added: acknowledged, pending, waiting for retry,
undelivered, foreign (no valid event), dead, trimmed. The counts add up, or the
exit code is 1, as it is when an entry was trimmed before its group was done.

It asks Redis itself, over the variables of the service (REDIS_HOST, REDIS_PORT,
REDIS_PW, STREAM, STREAM_SHARDS), and changes nothing. Exact while nothing else
writes.`,
  examples: [
    "REDIS_HOST=localhost REDIS_PORT=6379 mainstay events audit --json",
  ],
  async run(_input, io) {
    const config = readConfig(auditSettings, { args: [] });
    const audits = await auditStream(config, io);
    const complete = audits.every((audit) => audit.complete);
    io.emit({ complete, groups: audits });
    if (audits.length === 0) io.print(`No group reads ${config.stream}`);
    for (const audit of audits) {
      const { stream, group, added, lostPending, lostUndelivered } = audit;
      io.print(`${stream} ${group}: ${added} added`);
      io.print(
        `  ${audit.acknowledged} acknowledged, ${audit.pending} pending, ${audit.waitingForRetry} waiting for retry, ${audit.undelivered} undelivered, ${audit.foreign} foreign, ${audit.dead} dead, ${audit.trimmed} trimmed`,
      );
      if (lostPending + lostUndelivered > 0) {
        io.print(
          `  Lost by trimming: ${lostPending} pending, ${lostUndelivered} undelivered`,
        );
      } else if (!audit.complete) io.print("  The counts do not add up");
    }
    return complete ? 0 : 1;
  },
});

type AuditConfig = ReturnType<typeof readConfig<typeof auditSettings>>;

/** Connects, audits, disconnects; what Redis has to say goes to standard error. */
export async function auditStream(
  config: AuditConfig,
  io: Pick<CommandIo, "note">,
) {
  const { log, metrics, container } = createKernel({
    identity: { name: "mainstay", version: "1.0.0", environment: "cli" },
    logging: { level: "ERROR", format: "text", write: (line) => io.note(line) },
  });
  const redis = createRedis(config, { log, metrics, name: "mainstay-audit" });
  const { stream, streamShards: shards } = config;
  const auditor = redisAuditor(redis, { stream, shards });
  try {
    await redis.start();
    return await auditor.audit();
  } finally {
    await redis.stop();
    await container.dispose();
  }
}
