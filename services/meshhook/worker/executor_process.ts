import { publicIpv4Networks } from "@mainstay/adapters/http";
import { OperationalError } from "@mainstay/kernel/errors";
import type { Part } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import type {
  ExchangeAnswer,
  ExchangeQuestion,
  Pong,
} from "../domain/http_exchange.ts";

/** The executor ended while it had the request: whether it was sent is unknown. */
export class ExecutorLost extends OperationalError<"executor-lost"> {
  constructor() {
    super("executor-lost", "Cannot send: the executor ended", {
      retryable: true,
    });
  }
}

/** How the executor is run. */
export interface ExecutorOptions {
  /** Inside addresses that it may reach besides the public ones: `10.1.0.0/16`, `127.0.0.1:9000`. */
  readonly targets: readonly string[];
  readonly log: Logger;
  /** How much later than it should it may answer. Default: 10 s. */
  readonly graceMs?: number;
}

/** A question before it has a number. */
export type Unnumbered = Omit<ExchangeQuestion, "id">;

/** The executor's process, started again whenever it ends. */
export interface Executor extends Part {
  /** @throws {ExecutorLost} */
  send(question: Unnumbered): Promise<ExchangeAnswer>;
  /** Resolves once the process answers. @throws {ExecutorLost} */
  ping(): Promise<void>;
  /** Of the process that runs now; undefined between two of them. */
  readonly pid: number | undefined;
}

const MAIN = new URL("../executor/main.ts", import.meta.url).href;
const RESTART_MS = 200;

interface Waiting {
  readonly resolve: (answer: ExchangeAnswer | Pong) => void;
  readonly reject: (failure: Error) => void;
}

/**
 * Runs the HTTP executor: a process without environment, files or database,
 * whose network the runtime itself confines. One that does not answer is ended.
 */
export function executorProcess(
  { targets, log, graceMs = 10_000 }: ExecutorOptions,
): Executor {
  const waiting = new Map<number, Waiting>();
  let child: Deno.ChildProcess | undefined;
  let writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  let lastId = 0;
  let stopping = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended: Promise<void> = Promise.resolve();

  function launch(): void {
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--no-config",
        "--no-remote",
        `--allow-net=${[...publicIpv4Networks(), ...targets].join(",")}`,
        MAIN,
      ],
      clearEnv: true,
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    child = process;
    writer = process.stdin.getWriter();
    ended = follow(process);
  }

  async function follow(process: Deno.ChildProcess): Promise<void> {
    const read = readAnswers(process.stdout, (answer) => {
      waiting.get(answer.id)?.resolve(answer);
      waiting.delete(answer.id);
    }).catch(() => {});
    const { code } = await process.status;
    await read;
    await writer?.close().catch(() => {});
    child = undefined;
    writer = undefined;
    const lost = [...waiting.values()];
    waiting.clear();
    for (const { reject } of lost) reject(new ExecutorLost());
    if (stopping) return;
    log.error("The executor has ended: it is started again", {
      code,
      lost: lost.length,
    });
    timer = setTimeout(launch, RESTART_MS);
  }

  function ask(
    frame: Unnumbered | { readonly ping: true },
  ): Promise<ExchangeAnswer | Pong> {
    const id = ++lastId;
    const { promise, resolve, reject } = Promise.withResolvers<
      ExchangeAnswer | Pong
    >();
    if (writer === undefined) return Promise.reject(new ExecutorLost());
    waiting.set(id, { resolve, reject });
    const process = child;
    const late = setTimeout(() => {
      log.error("The executor does not answer: it is ended");
      try {
        process?.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }, ("timeoutMs" in frame ? frame.timeoutMs : 0) + graceMs);
    const line = `${JSON.stringify({ id, ...frame })}\n`;
    writer.write(new TextEncoder().encode(line)).catch(() => {
      waiting.delete(id);
      reject(new ExecutorLost());
    });
    return promise.finally(() => clearTimeout(late));
  }

  return {
    name: "executor",
    get pid() {
      return child?.pid;
    },
    start: launch,
    send: async (question) => await ask(question) as ExchangeAnswer,
    async ping() {
      await ask({ ping: true });
    },
    async stop() {
      stopping = true;
      clearTimeout(timer);
      // Its standard input ends, and so does it.
      await writer?.close().catch(() => {});
      await ended;
    },
  };
}

async function readAnswers(
  output: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (answer: ExchangeAnswer | Pong) => void,
): Promise<void> {
  let rest = "";
  for await (const text of output.pipeThrough(new TextDecoderStream())) {
    rest += text;
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(JSON.parse(line));
  }
}
