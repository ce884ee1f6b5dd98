import { checkout, superviseProcess } from "@mainstay/tools/local_stack";

/** How a test's process is run. */
export interface TestProcessOptions {
  /** Added to this process' environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the repository. */
  readonly cwd?: string;
}

/** A real Deno process that a test runs, signals and waits for. */
export interface TestProcess extends AsyncDisposable {
  readonly pid: number;
  /** Its exit code, 128 + n when signal n ended it. */
  readonly exited: Promise<number>;
  /** What it has written to standard output so far. */
  stdout(): Promise<string>;
  /** What it has written to standard error so far. */
  stderr(): Promise<string>;
  /**
   * Waits until either output matches, and gives the match.
   *
   * @throws {Error} With all output, if it ends or the time passes (default 20 s).
   */
  waitForOutput(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /**
   * Waits until `url` answers with 2xx.
   *
   * @throws {Error} With all output, if it ends or the time passes (default 20 s).
   */
  waitForReady(url: string, timeoutMs?: number): Promise<void>;
  kill(signal: Deno.Signal): void;
}

/**
 * Runs `deno <args>`, the very binary that runs this test, and ends it (SIGTERM,
 * SIGKILL after 5 s) with `await using`, or with the test process.
 *
 * @example
 * `startProcess(["run", "-A", "services/events/main.ts"], { env })`
 */
export async function startProcess(
  args: readonly string[],
  options: TestProcessOptions = {},
): Promise<TestProcess> {
  const folder = await Deno.makeTempDir({ prefix: "mainstay-process-" });
  const [log, errorLog] = [`${folder}/stdout`, `${folder}/stderr`];
  await Deno.writeTextFile(log, "");
  await Deno.writeTextFile(errorLog, "");
  const process = await superviseProcess({
    command: Deno.execPath(),
    args,
    log,
    errorLog,
    cwd: options.cwd ?? checkout,
    stopTimeoutSeconds: 5,
    env: { NO_COLOR: "1", ...options.env },
  });
  let code: number | undefined;
  const exited = process.exited.then((value) => code = value);
  const stdout = () => Deno.readTextFile(log);
  const stderr = () => Deno.readTextFile(errorLog);
  const waitFor = async <Value>(
    what: string,
    timeoutMs: number,
    attempt: () => Promise<Value | undefined>,
  ): Promise<Value> => {
    const deadline = Date.now() + timeoutMs;
    while (true) {
      const over = code !== undefined || Date.now() > deadline;
      const value = await attempt();
      if (value !== undefined) return value;
      if (over) {
        const why = code === undefined
          ? "time is up"
          : `it exited with ${code}`;
        throw new Error(
          `Cannot wait for ${what}: ${why}\n${await stdout()}\n${await stderr()}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return {
    pid: process.pid,
    exited,
    stdout,
    stderr,
    waitForOutput: (pattern, timeoutMs = 20_000) =>
      waitFor(
        String(pattern),
        timeoutMs,
        async () =>
          pattern.exec(await stdout()) ?? pattern.exec(await stderr()) ??
            undefined,
      ),
    async waitForReady(url, timeoutMs = 20_000) {
      await waitFor(url, timeoutMs, async () => {
        try {
          const response = await fetch(url, {
            signal: AbortSignal.timeout(1000),
          });
          await response.body?.cancel();
          return response.ok ? true : undefined;
        } catch {
          return undefined;
        }
      });
    },
    kill: process.kill,
    async [Symbol.asyncDispose]() {
      await process.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
