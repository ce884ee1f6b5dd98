/**
 * How the events service meets its Redis: over TLS, and with the stream as
 * others have laid it out, on real processes.
 *
 * @module
 */
import { match, ok, strictEqual } from "node:assert/strict";
import {
  sharedRedis,
  startProcess,
  startTlsRedis,
} from "@mainstay/adapters/testing";
import {
  eventsCommand,
  eventsEnvironment,
  runToEnd,
  startEvents,
} from "./start_events.ts";

const redis = await sharedRedis();

/** The service's command, which may read `folder` too. */
function commandReading(folder: string): string[] {
  return eventsCommand().map((arg) =>
    arg.startsWith("--allow-read=") ? `${arg},${folder}` : arg
  );
}

Deno.test("STREAM_SHARDS other than the stream's own is refused", async () => {
  const STREAM = `layout-${crypto.randomUUID()}`;
  const shards = (count: number) => ({ STREAM, STREAM_SHARDS: `${count}` });
  const keys = [`${STREAM}:{0}`, `${STREAM}:{1}`];
  {
    await using _two = await startEvents(redis, shards(2));
    await using _again = await startEvents(redis, shards(2));
  }
  for (const count of [1, 3]) {
    const { code, stdout, stderr } = await runToEnd(
      eventsEnvironment(redis, shards(count)),
    );
    ok(code !== 0);
    match(stdout + stderr, new RegExp(`STREAM_SHARDS.*is ${count}.*has 2`));
  }
  await redis.cli("DEL", ...keys);
  await using _one = await startEvents(redis, shards(1));
});

Deno.test("REDIS_TLS_ENABLED serves over TLS, and trusts only its authority", async () => {
  await using tls = await startTlsRedis();
  const env = { REDIS_TLS_ENABLED: "true", MAX_RETRY_ATTEMPTS: "1" };
  const command = commandReading(tls.folder);
  const { code, stdout, stderr } = await runToEnd(
    eventsEnvironment(tls, env),
    command,
  );
  strictEqual(code, 1);
  match(stdout + stderr, /TLS failed/);
  await using service = await startProcess(command, {
    env: eventsEnvironment(tls, { ...env, REDIS_TLS_CA_FILE: tls.certFile }),
  });
  const [, url] = await service.waitForOutput(
    /Listening.*"url":"(http:[^"]+)"/,
  );
  await service.waitForReady(`${url}/health/ready`);
  const answer = await fetch(`${url}/trigger-test-event`, { method: "POST" });
  const { streamId } = await answer.json();
  await service.waitForOutput(new RegExp(`Event processed .*"${streamId}"`));
});
