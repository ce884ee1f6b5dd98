/** The toy program as a process. */
export interface Toy {
  readonly process: Deno.ChildProcess;
  readonly port: number;
  readonly adminPort: number;
  readonly probePort: number | undefined;
  /** Log lines so far. */
  readonly lines: ReadonlyArray<Record<string, unknown>>;
  /** Kills it, if it still runs. */
  end(): Promise<void>;
}

/** Starts the toy program on free ports and waits until it listens. */
export async function startToy(env: Record<string, string> = {}): Promise<Toy> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("toy_program.ts", import.meta.url).pathname],
    env: {
      SERVICE_NAME: "toy",
      SERVICE_PORT: "0",
      ADMIN_PORT: "0",
      LOG_LEVEL: "INFO",
      ...env,
    },
    stdout: "piped",
  }).spawn();
  const lines: Array<Record<string, unknown>> = [];
  const started = Promise.withResolvers<void>();
  const reading = (async () => {
    let rest = "";
    for await (
      const text of process.stdout.pipeThrough(new TextDecoderStream())
    ) {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) {
        const line = JSON.parse(part);
        lines.push(line);
        if (line.message === "Started") started.resolve();
      }
    }
    started.reject(new Error(`The toy ended: ${JSON.stringify(lines)}`));
  })();
  await started.promise;
  const portOf = (message: string) => {
    const line = lines.find((line) => line.message === message);
    return line && Number(new URL(String(line.url)).port);
  };
  return {
    process,
    port: portOf("Listening")!,
    adminPort: portOf("Admin server listening")!,
    probePort: portOf("Probes listening"),
    lines,
    async end() {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await Promise.all([process.status, reading]);
    },
  };
}
