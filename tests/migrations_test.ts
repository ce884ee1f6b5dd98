/** The migrations of every service, without a server. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { readMigrations } from "@mainstay/adapters/postgres";

for (const service of ["identity", "meshhook"]) {
  Deno.test(`the migrations of ${service} are numbered from 1, each number once`, async () => {
    const folder = new URL(
      `../services/${service}/storage/migrations/`,
      import.meta.url,
    );
    const versions = (await readMigrations(folder)).map(({ version }) =>
      version
    );
    assertEquals(versions, versions.map((_, index) => index + 1));
  });
}
