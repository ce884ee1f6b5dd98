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

/**
 * CPU time of a process, of those that it has started and of those that have
 * ended since, in microseconds. The latter two as the kernel counts them when it
 * reaps them: in hundredths of a second.
 */
export function processTreeCpuMicros(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // After the name, which may hold anything but ends with the last bracket.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [reapedUser, reapedSystem] = fields.slice(13, 15).map(Number);
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`)
    .trim().split(" ").filter((text) => text !== "").map(Number);
  return children.reduce((sum, child) => {
    try {
      return sum + processCpuMicros(child);
    } catch {
      // It has ended since the listing, and is counted the next time.
      return sum;
    }
  }, processCpuMicros(pid) + (reapedUser! + reapedSystem!) * 10_000);
}
