/**
 * CPU time that a process has used, user and system, in microseconds.
 *
 * The scheduler's own count of each thread (`/proc`, so on Linux only), in
 * nanoseconds. What a thread used that has ended since is missing: the threads
 * of a runtime live as long as it does.
 */
export function processCpuMicros(pid: number): number {
  let nanoseconds = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    try {
      const file = `/proc/${pid}/task/${name}/schedstat`;
      nanoseconds += Number(Deno.readTextFileSync(file).split(" ")[0]);
    } catch (error) {
      // It ended between the listing and now.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return nanoseconds / 1000;
}
