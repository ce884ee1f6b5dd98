/** Claims a name and works until it is killed: for tests with several processes. */
import { onOneReplica } from "../on_one_replica.ts";
import { openTestPostgres } from "./open_test_postgres.ts";

const never = AbortSignal.any([]);
await using tested = openTestPostgres(Deno.env.get("DATABASE_URL") ?? "");
await onOneReplica(tested.postgres, "clean-up", async () => {
  await Deno.stdout.write(new TextEncoder().encode("claimed\n"));
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}, never);
