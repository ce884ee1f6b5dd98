const TICKS_PER_SECOND = 100; // USER_HZ, fixed by the Linux ABI

/**
 * CPU time that a process has used, user and system, in microseconds.
 *
 * Read from `/proc`, so on Linux only; its grain is 10 ms, so measure for
 * seconds.
 */
export function processCpuMicros(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return ticks * (1_000_000 / TICKS_PER_SECOND);
}
