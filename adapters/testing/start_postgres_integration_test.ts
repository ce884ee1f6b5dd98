import { deepStrictEqual as assertEquals } from "node:assert/strict";
import pg from "pg";
import { startPostgres } from "./mod.ts";

Deno.test("startPostgres() keeps data through kill -9 of the postmaster", async () => {
  await using server = await startPostgres();
  await query(server.url(), "CREATE TABLE kept AS SELECT 7 AS n");
  await server.kill("SIGKILL");
  await server.restart();
  assertEquals(await query(server.url(), "SELECT n FROM kept"), [{ n: 7 }]);
});

Deno.test("startPostgres() asks for its password", async () => {
  await using server = await startPostgres();
  const wrong = server.url().replace(server.password, "wrong");
  let refused = "";
  await query(wrong, "SELECT 1").catch((failure) => refused = failure.code);
  assertEquals(refused, "28P01");
});

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
