import type { MeshhookProcesses } from "./start_meshhook.ts";

/** Stops every process of PostgreSQL in its tracks; gives what lets them go on. */
export async function freezePostgres(
  { server, postgres }: Pick<MeshhookProcesses, "server" | "postgres">,
): Promise<Disposable> {
  const { rows } = await postgres.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()",
  );
  const frozen = [server.pid, ...rows.map(({ pid }) => pid)];
  const signal = (name: Deno.Signal) => {
    for (const pid of frozen) {
      try {
        Deno.kill(pid, name);
      } catch {
        // A connection that has ended since.
      }
    }
  };
  signal("SIGSTOP");
  return { [Symbol.dispose]: () => signal("SIGCONT") };
}
