import { match, ok, strictEqual } from "node:assert/strict";

/** Runs a program that logs to the real standard output. */
function run(body: string, options: Partial<Deno.CommandOptions> = {}) {
  const module = new URL("./mod.ts", import.meta.url).href;
  const program = `
    import { createLogging } from ${JSON.stringify(module)};
    const logging = createLogging({
      identity: { name: "a", version: "1", environment: "test" },
      level: "INFO",
      format: "text",
    });
    const log = logging.logger("program");
    ${body}
  `;
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      `--config=${new URL("../../deno.json", import.meta.url).pathname}`,
      `data:application/typescript,${encodeURIComponent(program)}`,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...options,
  });
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const LOG_1000 = `for (let i = 0; i < 1000; i++) log.info("line " + i);`;

for (
  const [end, code, status] of [
    ["the end of the program", "", 0],
    ["Deno.exit()", "Deno.exit(3);", 3],
    ["an error that nobody catches", `throw new Error("x");`, 1],
    ["a rejection that nobody handles", `Promise.reject(new Error("x"));`, 1],
    [
      "Deno.exit() after a blocked turn",
      `setTimeout(() => { ${LOG_1000} Deno.exit(0); }, 1);`,
      0,
    ],
  ] as const
) {
  Deno.test(`no line is lost at ${end}`, async () => {
    const body = code.includes(LOG_1000) ? code : LOG_1000 + code;
    const output = await run(body).output();
    strictEqual(output.code, status);
    const lines = decode(output.stdout).trimEnd().split("\n");
    strictEqual(lines.length, 1000);
    match(lines.at(-1) ?? "", /INFO {2}\[program\] line 999$/);
  });
}

Deno.test("a reader that goes away does not end the program", async () => {
  const child = run(`
    let n = 0;
    const timer = setInterval(() => {
      for (let i = 0; i < 2000; i++) log.error("line " + i);
      if (++n < 20) return;
      clearInterval(timer);
      await_done();
    }, 5);
    function await_done() { Deno.stderr.writeSync(new TextEncoder().encode("alive")); }
  `).spawn();
  const reader = child.stdout.getReader();
  ok((await reader.read()).value);
  await reader.cancel();
  const stderr = await new Response(child.stderr).text();
  match(stderr, /alive$/);
  strictEqual((await child.status).code, 0);
});

Deno.test("a pipe is not coloured", async () => {
  const { stdout } = await run(`log.error("m");`).output();
  ok(!decode(stdout).includes("\u001b"));
});
