import { Session } from "node:inspector/promises";
import { getHeapSnapshot } from "node:v8";
import { InvalidInput } from "@mainstay/kernel/errors";
import type { Route } from "@mainstay/kernel/lifecycle";

const MAX_SECONDS = 60;

/**
 * What a running process is busy with, and what it holds: for Chromium's
 * developer tools. For the admin server alone: a heap holds every secret.
 */
export function debugRoutes(): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/debug/cpu-profile",
      timeoutMs: (MAX_SECONDS + 10) * 1000,
      async handle(_request, { url, signal }) {
        const profile = await profileCpu(secondsOf(url), signal);
        return download(JSON.stringify(profile), "cpuprofile");
      },
    },
    {
      method: "GET",
      path: "/debug/heap-snapshot",
      timeoutMs: 120_000,
      async handle() {
        const parts: BlobPart[] = [];
        for await (const part of getHeapSnapshot()) parts.push(part);
        return download(new Blob(parts), "heapsnapshot");
      },
    },
  ];
}

function secondsOf(url: URL): number {
  const given = url.searchParams.get("seconds") ?? "10";
  const seconds = Number(given);
  if (/^\d+$/.test(given) && seconds >= 1 && seconds <= MAX_SECONDS) {
    return seconds;
  }
  throw new InvalidInput([
    { pointer: "seconds", detail: `must be a whole number, 1–${MAX_SECONDS}` },
  ]);
}

async function profileCpu(
  seconds: number,
  signal: AbortSignal,
): Promise<unknown> {
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
    await elapsed(seconds * 1000, signal);
    return (await session.post("Profiler.stop")).profile;
  } finally {
    session.disconnect();
  }
}

/** Resolves early when there is nobody left to wait for. */
function elapsed(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done, { once: true });
  });
}

function download(body: BodyInit, extension: string): Response {
  return new Response(body, {
    headers: {
      "content-type": "application/json",
      "content-disposition": `attachment; filename="mainstay.${extension}"`,
      "cache-control": "no-store",
    },
  });
}
