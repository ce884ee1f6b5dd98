/** A program to run under supervision. */
export interface SupervisedCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where its standard output is appended. */
  readonly log: string;
  /** Where its standard error is appended. Default: `log`. */
  readonly errorLog?: string;
  /**
   * Keeps the process id. A predecessor that it names and that still runs, left
   * over from a crash, is ended first: two servers must not share a folder.
   */
  readonly pidFile?: string;
  /** Default `/`. */
  readonly cwd?: string;
  /** The signal that ends it in order. Default `TERM`. */
  readonly stopSignal?: "TERM" | "INT";
  /** After the stop signal, until it is killed, in seconds. Default 20. */
  readonly stopTimeoutSeconds?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** A program that ends with the process that started it. */
export interface SupervisedProcess {
  /** The program's own process id. */
  readonly pid: number;
  /** Its exit code, 128 + n when signal n ended it. */
  readonly exited: Promise<number>;
  /** Does nothing once it has exited. */
  kill(signal: Deno.Signal): void;
  /** Ends it in order, also when it is stopped by SIGSTOP. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Becomes the program, after leaving a watcher behind. The end of the watcher's
 * standard input says that the starter is done or gone, however it went: then
 * the program is stopped, and killed when it does not obey.
 *
 * The watcher is nobody's child, so that no program has to reap it.
 */
const SUPERVISOR = `
signal=$1 limit=$2 log=$3 errors=$4
shift 4
exec 3<&0 </dev/null
( (
  while read -r _ <&3; do :; done
  kill -"$signal" $$
  kill -CONT $$
  while [ "$limit" -gt 0 ] && kill -0 $$; do sleep 0.1; limit=$((limit - 1)); done
  kill -KILL $$
) >/dev/null 2>&1 & )
exec "$@" 3<&- >>"$log" 2>>"$errors"
`;

/**
 * Runs a program that is stopped in order when this process ends in whatever
 * way: on return, on Ctrl-C, on a crash, on kill -9. A small shell beside it
 * notices it by the end of a pipe that only this process holds open.
 *
 * The program has a process group of its own, so that Ctrl-C in a terminal
 * reaches only the process that started it, which then stops things in order.
 */
export async function superviseProcess(
  command: SupervisedCommand,
): Promise<SupervisedProcess> {
  const { pidFile } = command;
  if (pidFile !== undefined) await endPredecessor(command, pidFile);
  const program = new Deno.Command("/bin/sh", {
    args: [
      "-c",
      SUPERVISOR,
      "mainstay-supervisor",
      command.stopSignal ?? "TERM",
      String((command.stopTimeoutSeconds ?? 20) * 10),
      command.log,
      command.errorLog ?? command.log,
      command.command,
      ...command.args,
    ],
    ...(command.env === undefined ? {} : { env: { ...command.env } }),
    ...(command.uid === undefined ? {} : { uid: command.uid }),
    ...(command.gid === undefined ? {} : { gid: command.gid }),
    cwd: command.cwd ?? "/",
    stdin: "piped",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  const { pid } = program;
  if (pidFile !== undefined) {
    await Deno.writeTextFile(pidFile, `${pid}\n`, { mode: 0o600 });
  }
  let running = true;
  const exited = program.status.then(async ({ code }) => {
    running = false;
    await stop();
    return code;
  });
  // Told by the pipe's end; closing it twice fails, which means nothing.
  const stop = () => program.stdin.close().catch(() => {});
  return {
    pid,
    exited,
    kill(signal) {
      if (running) Deno.kill(pid, signal);
    },
    async stop() {
      await stop();
      await exited;
    },
  };
}

/** Waits for the process that `pidFile` names to end, and sees to it that it does. */
async function endPredecessor(
  command: SupervisedCommand,
  pidFile: string,
): Promise<void> {
  const pid = Number(await Deno.readTextFile(pidFile).catch(() => ""));
  const limit = Date.now() + (command.stopTimeoutSeconds ?? 20) * 1000;
  let signal: Deno.Signal = command.stopSignal === "INT" ? "SIGINT" : "SIGTERM";
  while (pid > 0 && await runs(pid, command.command)) {
    if (Date.now() > limit) signal = "SIGKILL";
    try {
      Deno.kill(pid, signal);
      Deno.kill(pid, "SIGCONT");
    } catch (failure) {
      if (!(failure instanceof Deno.errors.NotFound)) throw failure;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Whether process `pid` is an instance of the program, and no later process with its number. */
async function runs(pid: number, program: string): Promise<boolean> {
  const name = program.slice(program.lastIndexOf("/") + 1);
  return (await commandLine(pid)).includes(name);
}

/** Empty if there is no such process. */
async function commandLine(pid: number): Promise<string> {
  if (Deno.build.os === "linux") {
    // A small Linux image has no `ps`.
    return await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
  }
  const { stdout } = await new Deno.Command("ps", {
    args: ["-o", "args=", "-p", String(pid)],
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout);
}
