/**
 * How the events service meets its Redis: over TLS, and with the stream as
 * others have laid it out, on real processes.
 *
 * @module
 */
import { match, ok, strictEqual } from "node:assert/strict";
import {
  freePort,
  sharedRedis,
  startProcess,
  startRedis,
} from "@mainstay/adapters/testing";
import { createSelfSignedCertificate } from "../adapters/http/self_signed_certificate.ts";
import {
  eventsCommand,
  eventsEnvironment,
  startEvents,
} from "./start_events.ts";

const redis = await sharedRedis();

/** The service's command, which may read `folder` too. */
async function commandReading(folder: string): Promise<string[]> {
  return (await eventsCommand()).map((arg) =>
    arg.startsWith("--allow-read=") ? `${arg},${folder}` : arg
  );
}

/** Runs the service to its end. */
async function runToEnd(
  env: Record<string, string>,
  command?: readonly string[],
) {
  await using process = await startProcess(
    command ?? await eventsCommand(),
    { env },
  );
  const code = await process.exited;
  return { code, told: await process.stdout() + await process.stderr() };
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
    const { code, told } = await runToEnd(
      eventsEnvironment(redis, shards(count)),
    );
    ok(code !== 0);
    match(told, new RegExp(`STREAM_SHARDS.*is ${count}.*has 2`));
  }
  await redis.cli("DEL", ...keys);
  await using _one = await startEvents(redis, shards(1));
});

Deno.test("REDIS_TLS_ENABLED serves over TLS, and trusts only its authority", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const { cert, key } = createSelfSignedCertificate(
      ["127.0.0.1"],
      Date.now(),
    );
    const [certFile, keyFile] = [`${dir}/cert.pem`, `${dir}/key.pem`];
    await Deno.writeTextFile(certFile, cert);
    await Deno.writeTextFile(keyFile, key);
    const port = freePort();
    await using _ = await startRedis({
      args: [
        ...["--tls-port", String(port), "--tls-auth-clients", "no"],
        ...["--tls-cert-file", certFile, "--tls-key-file", keyFile],
        ...["--tls-ca-cert-file", certFile],
      ],
    });
    const at = { host: "127.0.0.1" as const, port };
    const env = {
      REDIS_TLS_ENABLED: "true",
      MAX_RETRY_ATTEMPTS: "1",
    };
    const command = await commandReading(dir);
    const { code, told } = await runToEnd(eventsEnvironment(at, env), command);
    strictEqual(code, 1);
    match(told, /TLS failed/);
    await using service = await startProcess(command, {
      env: eventsEnvironment(at, { ...env, REDIS_TLS_CA_FILE: certFile }),
    });
    const [, url] = await service.waitForOutput(
      /Listening.*"url":"(http:[^"]+)"/,
    );
    await service.waitForReady(`${url}/health/ready`);
    const answer = await fetch(`${url}/trigger-test-event`, {
      method: "POST",
    });
    const { streamId } = await answer.json();
    await service.waitForOutput(new RegExp(`Event processed .*"${streamId}"`));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
