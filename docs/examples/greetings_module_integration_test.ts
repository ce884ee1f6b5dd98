import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  readConfig,
  serviceSettings,
  type Setting,
} from "@mainstay/kernel/config";
import { httpSettings } from "@mainstay/adapters/http";
import { run } from "@mainstay/kernel/lifecycle";
import { greetingsService } from "./greetings_module.ts";

Deno.test("the documented example greets, counts, checks and stops", async () => {
  const settings = { ...serviceSettings, ...httpSettings() };
  const config = readConfig(settings, {
    env: {},
    args: [
      "--service-name=greetings",
      "--log-level=ERROR",
      "--service-port=0",
      "--admin-port=0",
    ],
  });
  const phrasebook = new Map([["en", "Hello"]]);
  const service = greetingsService(config, phrasebook);
  const visit = Promise.withResolvers<void>();
  const listening = Promise.withResolvers<string>();
  const ended = run([{
    ...service,
    listeners: {
      public(served) {
        const part = service.listeners.public?.(served);
        ok(part !== undefined && "address" in part);
        void visit.promise.then(() => served.shutdown("seen enough"));
        return {
          ...part,
          async start(signal) {
            await part.start?.(signal);
            const { port } = part.address as { port: number };
            listening.resolve(`http://127.0.0.1:${port}`);
          },
        };
      },
    },
  }]);
  const base = await listening.promise;
  const get = async (path: string) => {
    const response = await fetch(base + path);
    return [response.status, await response.text()] as const;
  };
  deepStrictEqual(await get("/greetings/en"), [200, '{"greeting":"Hello"}']);
  const [unknown] = await get("/greetings/xx");
  strictEqual(unknown, 404);
  deepStrictEqual(await get("/readyz/phrasebook"), [200, "ok"]);
  const [, metrics] = await get("/metrics");
  match(metrics, /^greetings_total\{language="en"\} 1$/m);
  phrasebook.clear();
  await service.kernel.health.refresh("phrasebook");
  deepStrictEqual(await get("/readyz"), [
    503,
    "[-]phrasebook failed\nreadyz check failed\n",
  ]);
  visit.resolve();
  strictEqual(await ended, 0);
});

/** A row of the page's table of settings. */
function rowOf(
  { env, kind, description, optional, ...setting }: Setting<unknown>,
) {
  const shown = (environment: string) => {
    const value = typeof setting.default === "function"
      ? setting.default(environment)
      : setting.default;
    return value === undefined ? undefined : `\`${kind.format(value)}\``;
  };
  const [development, elsewhere] = [shown("development"), shown("production")];
  const value = development === undefined
    ? optional ? "–" : "required"
    : development === elsewhere
    ? development
    : `${development} in development, else ${elsewhere}`;
  return `| \`${env}\` | ${value} | ${description} |`;
}

Deno.test("the kernel's page has every setting of a service that listens, as it is", async () => {
  const text = await Deno.readTextFile(
    new URL("../kernel.md", import.meta.url),
  );
  // The formatter aligns the cells.
  const page = text.replace(/ +/g, " ");
  const settings = { ...serviceSettings, ...httpSettings() };
  const rows = Object.values<Setting<unknown>>(settings).map(rowOf);
  const at = page.indexOf("| `SERVICE_NAME` |");
  deepStrictEqual(page.slice(at).trimEnd().split("\n"), rows);
});

Deno.test("the documented example logs in the time zone that it is told, and ends on SIGTERM", async () => {
  const example = new URL("greetings_module.ts", import.meta.url).pathname;
  const flags = ["service-port=0", "admin-port=0", "timezone=Asia/Kolkata"];
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", example, "--service-name=greetings"],
      ...flags.map((flag) => `--${flag}`),
    ],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let output = "";
  for await (
    const text of child.stdout.pipeThrough(new TextDecoderStream())
  ) {
    if (!output.includes("Started") && text.includes("Started")) {
      child.kill("SIGTERM");
    }
    output += text;
  }
  match(output, /^\d{4}-[\d-]+T[\d:.]+\+05:30 INFO .*Phrasebook open/m);
  match(output, /Phrasebook closed/);
  strictEqual((await child.status).code, 0);
});
