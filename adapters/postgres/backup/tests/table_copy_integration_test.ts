import { ok, rejects, strictEqual } from "node:assert/strict";
import { eventually, startPostgres } from "@mainstay/adapters/testing";
import { openTestPostgres } from "../../tests/open_test_postgres.ts";
import { copyIn, copyOut } from "../table_copy.ts";

const ROWS = 40_000;
const ROW_BYTES = 1_000;

Deno.test("copyOut() and copyIn() hold little in memory, however slow the other end", async (t) => {
  await using server = await startPostgres();
  await using tested = openTestPostgres(server.url());
  const { postgres } = tested;
  await postgres.query(
    `CREATE TABLE rows AS SELECT repeat('x', ${ROW_BYTES}) AS text
     FROM generate_series(1, ${ROWS})`,
  );
  await postgres.query("CREATE TABLE copies (LIKE rows)");
  const processed = async () => {
    const { rows } = await postgres.query<{ bytes: string }>(
      "SELECT bytes_processed AS bytes FROM pg_stat_progress_copy",
    );
    return Number(rows[0]?.bytes ?? 0);
  };
  await t.step("PostgreSQL waits for a slow reader", async () => {
    await postgres.alone(async (connection) => {
      const leaving = copyOut(connection, "COPY rows TO STDOUT");
      let bytes = 0;
      for await (const chunk of leaving.rows) {
        if (bytes === 0) {
          let before = -1;
          await eventually("it has stopped", async () => {
            const now = await processed();
            const stopped = now === before;
            before = now;
            await new Promise((resolve) => setTimeout(resolve, 200));
            return stopped;
          });
          // What the buffers of both sockets and of the stream hold.
          ok(before < ROWS * ROW_BYTES / 2, `${before}`);
        }
        bytes += chunk.length;
      }
      strictEqual(bytes, ROWS * (ROW_BYTES + 1));
      strictEqual(leaving.rowCount, ROWS);
    });
  });
  await t.step(
    "rows are taken from their source as PostgreSQL takes them",
    async () => {
      let made = 0;
      async function* source() {
        const chunk = new TextEncoder().encode(`${"y".repeat(ROW_BYTES)}\n`);
        for (; made < ROWS; made++) yield await Promise.resolve(chunk);
      }
      await postgres.alone(async (blocker) => {
        await blocker.query("BEGIN; LOCK TABLE copies");
        const loading = postgres.alone((connection) =>
          copyIn(connection, "COPY copies FROM STDIN", source())
        );
        await new Promise((resolve) => setTimeout(resolve, 500));
        strictEqual(made, 0);
        await blocker.query("COMMIT");
        strictEqual(await loading, ROWS);
      });
    },
  );
  await t.step("a refused row ends it at once", async () => {
    await postgres.query(
      "ALTER TABLE copies ADD CHECK (length(text) < 5) NOT VALID",
    );
    let made = 0;
    async function* source() {
      const chunk = new TextEncoder().encode(`${"y".repeat(60_000)}\n`);
      for (; made < 10_000; made++) yield await Promise.resolve(chunk);
    }
    await rejects(
      postgres.alone((connection) =>
        copyIn(connection, "COPY copies FROM STDIN", source())
      ),
      /violates check constraint/,
    );
    ok(made < 10_000, `${made}`);
  });
  await t.step("a source that fails loads nothing", async () => {
    const failure = new Error("no more");
    async function* source() {
      yield await Promise.resolve(new TextEncoder().encode("y\n"));
      throw failure;
    }
    const before = await postgres.query("SELECT FROM copies");
    await rejects(
      postgres.alone((connection) =>
        copyIn(connection, "COPY copies FROM STDIN", source())
      ),
      failure,
    );
    const after = await postgres.query("SELECT FROM copies");
    strictEqual(after.rowCount, before.rowCount);
  });
});
