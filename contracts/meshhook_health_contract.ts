/**
 * The wire schema of MeshHook's `GET /health`.
 *
 * @module
 */
import { z } from "zod";

const status = z.enum(["healthy", "degraded", "unhealthy"]);

export const meshhookHealth = z.strictObject({
  status: status.describe("Of all: unhealthy if a critical part is"),
  version: z.string().describe("The release's"),
  details: z.strictObject({
    database: status.describe("PostgreSQL takes reads and writes"),
    supabase: status.describe("Realtime delivers"),
    workers: status.describe("Orchestrators and executors live and work"),
    webhooks: status.describe("The intake tells a signature from a forgery"),
    builder: status.describe("A stored workflow can be read and is valid"),
    eventStore: status.describe("Events can be appended and read"),
    liveLogs: status.describe("What happens is heard at once"),
    tenancy: status.describe("Projects do not see each other's rows"),
  }),
});

/** What `GET /health` answers. */
export type MeshhookHealth = z.infer<typeof meshhookHealth>;
