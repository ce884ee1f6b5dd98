/** A program to run under supervision. */
export interface SupervisedCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where its standard output and error are appended. */
  readonly log: string;
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
 * Starts the program, prints its process id, and waits. The end of standard
 * input says that the starter is done or gone, however it went: then the
 * program is stopped, and killed when it does not obey.
 */
const SUPERVISOR = `
signal=$1 limit=$2 log=$3
shift 3
exec 3<&0
"$@" </dev/null 3<&- >>"$log" 2>&1 &
program=$!
echo "$program"
exec >/dev/null
(
  while read -r _ <&3; do :; done
  kill -"$signal" "$program"
  kill -CONT "$program"
  sleep "$limit" &
  timer=$!
  trap 'kill "$timer"; exit' TERM
  wait "$timer"
  kill -KILL "$program"
) 2>/dev/null &
watcher=$!
wait "$program"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"
`;

/**
 * Runs a program that is stopped in order when this process ends in whatever
 * way: on return, on Ctrl-C, on a crash, on kill -9. A small shell between the
 * two notices it by the end of a pipe that only this process holds open.
 *
 * The program has a process group of its own, so that Ctrl-C in a terminal
 * reaches only the process that started it, which then stops things in order.
 */
export async function superviseProcess(
  command: SupervisedCommand,
): Promise<SupervisedProcess> {
  const shell = new Deno.Command("/bin/sh", {
    args: [
      "-c",
      SUPERVISOR,
      "mainstay-supervisor",
      command.stopSignal ?? "TERM",
      String(command.stopTimeoutSeconds ?? 20),
      command.log,
      command.command,
      ...command.args,
    ],
    ...(command.env === undefined ? {} : { env: { ...command.env } }),
    ...(command.uid === undefined ? {} : { uid: command.uid }),
    ...(command.gid === undefined ? {} : { gid: command.gid }),
    cwd: "/",
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
    detached: true,
  }).spawn();
  let running = true;
  const exited = shell.status.then(({ code }) => {
    running = false;
    return code;
  });
  const pid = Number(await new Response(shell.stdout).text());
  let stopping: Promise<void> | undefined;
  return {
    pid,
    exited,
    kill(signal) {
      if (running) Deno.kill(pid, signal);
    },
    stop() {
      stopping ??= (async () => {
        // Fails when the supervisor has gone already.
        await shell.stdin.close().catch(() => {});
        await exited;
      })();
      return stopping;
    },
  };
}
