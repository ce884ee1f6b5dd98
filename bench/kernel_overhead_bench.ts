/**
 * What the kernel costs a request: CPU time of a server with it minus that of
 * bare `Deno.serve`, in interleaved rounds under the same bounded load.
 *
 * CPU time is the scheduler's own count for all threads of the server, so other
 * work on the machine hardly shows in it.
 *
 * `deno run -A bench/kernel_overhead_bench.ts [rounds] [requests]`
 *
 * @module
 */
const MODES = ["bare", "floor", "kernel", "full"] as const;
const CONNECTIONS = 8;
const [rounds = 7, requests = 40_000] = Deno.args.map(Number);

interface Server {
  readonly mode: (typeof MODES)[number];
  readonly process: Deno.ChildProcess;
  readonly port: number;
  readonly microseconds: number[];
}

async function startServer(mode: Server["mode"]): Promise<Server> {
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      new URL("kernel_overhead_server.ts", import.meta.url).pathname,
      mode,
    ],
    stdout: "piped",
  }).spawn();
  const reader = process.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  const port = Number(new TextDecoder().decode(value));
  return { mode, process, port, microseconds: [] };
}

async function load(port: number, count: number): Promise<void> {
  const request = new TextEncoder().encode(
    "GET /hello HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n",
  );
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port });
    socket.setNoDelay();
    const buffer = new Uint8Array(4096);
    for (let i = 0; i < count / CONNECTIONS; i++) {
      await socket.write(request);
      await socket.read(buffer);
    }
    socket.close();
  }));
}

async function cpuMicroseconds(pid: number): Promise<number> {
  let nanoseconds = 0;
  for await (const task of Deno.readDir(`/proc/${pid}/task`)) {
    const path = `/proc/${pid}/task/${task.name}/schedstat`;
    const text = await Deno.readTextFile(path).catch(() => "0");
    nanoseconds += Number(text.split(" ")[0]);
  }
  return nanoseconds / 1000;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

const servers = await Promise.all(MODES.map(startServer));
try {
  for (const { port } of servers) await load(port, requests);
  for (let round = 0; round < rounds; round++) {
    for (const { process, port, microseconds } of servers) {
      const before = await cpuMicroseconds(process.pid);
      await load(port, requests);
      const after = await cpuMicroseconds(process.pid);
      microseconds.push((after - before) / requests);
    }
  }
  const [bare] = servers;
  const base = median(bare?.microseconds ?? []);
  const loads = Deno.loadavg().map((value) => value.toFixed(2)).join(" ");
  console.log(`${rounds} rounds of ${requests} requests, load ${loads}`);
  const least = Math.min(...bare?.microseconds ?? []);
  for (const { mode, microseconds } of servers) {
    const own = median(microseconds);
    const best = Math.min(...microseconds);
    console.log(
      `${mode.padEnd(7)} median ${own.toFixed(2)} µs of CPU a request, ` +
        `+${(own - base).toFixed(2)} over bare; ` +
        `least ${best.toFixed(2)}, +${(best - least).toFixed(2)}`,
    );
  }
} finally {
  for (const { process } of servers) {
    process.kill("SIGKILL");
    await process.stdout.cancel();
    await process.status;
  }
}
