/**
 * What a service on PostgreSQL gets from the kernel, each promise by its name:
 * health that follows the database, metrics without a line in the caller.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  eventually,
  freePort,
  startPostgres,
  startProcess,
} from "@mainstay/adapters/testing";
import { hasPromtool, promtool } from "./promtool.ts";
import { valueOf } from "./scrape.ts";

async function status(url: string): Promise<number> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  await response.body?.cancel();
  return response.status;
}

Deno.test("Health and metrics of a service on PostgreSQL", async (t) => {
  await using database = await startPostgres();
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  await using service = await startProcess(
    ["run", "-A", "--no-prompt", "tests/programs/books_service.ts"],
    {
      env: {
        SERVICE_NAME: "books",
        SERVICE_PORT: String(port),
        ADMIN_PORT: String(freePort()),
        DATABASE_URL: database.url(),
        LOG_FORMAT: "json",
      },
    },
  );
  await service.waitForReady(`${url}/ready`);
  const scrape = async () => await (await fetch(`${url}/metrics`)).text();

  await t.step("/healthz returns 200 when the service is alive", async () => {
    strictEqual(await status(`${url}/healthz`), 200);
  });

  await t.step("all HTTP requests are measured", async () => {
    const response = await fetch(`${url}/books`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ title: "The Mythical Man-Month" }),
    });
    strictEqual(response.status, 201);
    const { id } = await response.json();
    deepStrictEqual(await (await fetch(`${url}/books/${id}`)).json(), {
      title: "The Mythical Man-Month",
    });
    strictEqual(await status(`${url}/books/x`), 500);
    strictEqual(await status(`${url}/nowhere`), 404);
    const text = await scrape();
    const count = (method: string, path: string, code: number) =>
      text.split("\n").filter((line) =>
        line.startsWith("http_requests_total{") &&
        line.includes(`method="${method}"`) &&
        line.includes(`path="${path}"`) &&
        line.includes(`status_code="${code}"`)
      ).length;
    strictEqual(count("POST", "/books", 201), 1);
    strictEqual(count("GET", "/books/:id", 200), 1);
    strictEqual(count("GET", "/books/:id", 500), 1);
    strictEqual(count("GET", "unmatched", 404), 1);
    match(
      text,
      /^http_request_duration_seconds_bucket\{.*path="\/books\/:id"/m,
    );
    match(text, /^errors_total\{type="/m);
  });

  await t.step("database queries are instrumented", async () => {
    const text = await scrape();
    const queries = (operation: string) =>
      valueOf(
        text,
        `db_query_duration_seconds_count{operation="${operation}"}`,
      );
    ok(queries("select") >= 2, text);
    ok(queries("insert") >= 1, text);
  });

  await t.step("metrics are registered in the container", async () => {
    strictEqual(valueOf(await scrape(), "books_added_total"), 1);
  });

  await t.step("health checks can be extended by modules", async () => {
    const response = await fetch(`${url}/readyz?verbose`);
    const text = await response.text();
    match(text, /^\[\+\]shelf ok$/m);
    match(text, /^\[\+\]database ok$/m);
  });

  await t.step(
    "/metrics exposes Prometheus metrics in the correct format",
    async () => {
      const response = await fetch(`${url}/metrics`);
      match(
        response.headers.get("content-type") ?? "",
        /^text\/plain; version=0\.0\.4/,
      );
      ok((await response.text()).endsWith("\n"));
      const open = await fetch(`${url}/metrics`, {
        headers: { accept: "application/openmetrics-text; version=1.0.0" },
      });
      match(
        open.headers.get("content-type") ?? "",
        /^application\/openmetrics-text/,
      );
      ok((await open.text()).endsWith("# EOF\n"));
    },
  );

  await t.step({
    name: "metrics follow Prometheus' naming conventions",
    ignore: !hasPromtool,
    async fn() {
      const { code, said } = await promtool(
        ["check", "metrics"],
        await scrape(),
      );
      strictEqual(said, "");
      strictEqual(code, 0);
    },
  });

  await t.step(
    "/ready checks database connectivity: stopped, restarted",
    async () => {
      const becomes = (code: number) =>
        eventually(
          `/ready is ${code}`,
          async () => await status(`${url}/ready`) === code,
          15_000,
        );
      await database.stop();
      await becomes(503);
      strictEqual(await status(`${url}/healthz`), 200);
      const body = await (await fetch(`${url}/ready`)).text();
      ok(!body.includes(database.password), body);
      ok(!body.includes(String(database.port)), body);
      await database.restart();
      await becomes(200);
      strictEqual(await status(`${url}/books/1`), 200);
    },
  );

  service.kill("SIGTERM");
  strictEqual(await service.exited, 0);
  const log = await service.stdout();
  ok(!log.includes(database.password), "the log tells the password");
});
