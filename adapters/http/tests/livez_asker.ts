/// <reference lib="deno.worker" />
declare const self: DedicatedWorkerGlobalScope;

/** Asks one URL again and again, from a thread of its own. */
self.onmessage = async (
  { data }: MessageEvent<{ url: string; forMs: number }>,
) => {
  // Threads and their modules take their time to start: that is not measured.
  await (await fetch(data.url)).text();
  self.postMessage("asking");
  const endMs = performance.now() + data.forMs;
  const seen: unknown[] = [];
  while (performance.now() < endMs) {
    const startedMs = performance.now();
    const response = await fetch(data.url);
    const body = await response.text();
    seen.push({
      ms: performance.now() - startedMs,
      status: response.status,
      body,
    });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  self.postMessage(seen);
};
