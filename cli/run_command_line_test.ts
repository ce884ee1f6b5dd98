import { deepStrictEqual as assertEquals, match } from "node:assert/strict";
import { OperationalError } from "@mainstay/kernel/errors";
import { type CommandGroup, defineCommand } from "./command.ts";
import { runCommandLine } from "./run_command_line.ts";
import { UsageError } from "./usage_error.ts";

class Gone extends OperationalError<"gone"> {}

const root: CommandGroup = {
  name: "demo",
  summary: "Demo",
  help: "Shows how it goes.",
  commands: [
    {
      name: "letters",
      summary: "Letters",
      help: "About letters.",
      commands: [
        defineCommand({
          name: "show",
          summary: "Show letters",
          help: "Shows them.",
          usage: "<id>...",
          options: {
            from: { type: "string", value: "<id>", description: "First" },
            tag: { type: "string", multiple: true, description: "Tags" },
            all: { type: "boolean", short: "a", description: "All" },
          },
          // deno-lint-ignore require-await -- the shape of a command
          async run({ options, args }, io) {
            const { from, tag, all } = options;
            io.print(`${from} ${tag.join("+")} ${all} ${args.join(",")}`);
            io.emit({ from, tag, all, args });
          },
        }),
        defineCommand({
          name: "lose",
          summary: "Fail",
          help: "Fails.",
          // deno-lint-ignore require-await -- the shape of a command
          async run() {
            throw new Gone("gone", "Cannot show: it is gone");
          },
        }),
        defineCommand({
          name: "recite",
          summary: "Recite letters",
          help: "Recites them until nobody listens.",
          // deno-lint-ignore require-await -- the shape of a command
          async run(_input, io) {
            while (!io.abandoned) {
              io.print("a");
              io.emitLine('"a"');
            }
          },
        }),
        defineCommand({
          name: "refuse",
          summary: "Refuse",
          help: "Refuses.",
          // deno-lint-ignore require-await -- the shape of a command
          async run() {
            throw new UsageError("One id is needed");
          },
        }),
      ],
    },
  ],
};

async function type(...args: string[]) {
  const out: string[] = [];
  const errors: string[] = [];
  const code = await runCommandLine(root, args, {
    out: (line) => out.push(line) < 3,
    error: (line) => errors.push(line),
  });
  return { code, out: out.join("\n"), errors: errors.join("\n") };
}

Deno.test("runCommandLine() gives a nested command its options and arguments", async () => {
  assertEquals(
    await type(..."letters show --from=3 --tag a --tag b -a x y".split(" ")),
    { code: 0, out: "3 a+b true x,y", errors: "" },
  );
});

Deno.test("runCommandLine() takes what follows -- as it is", async () => {
  const { code, out } = await type("letters", "show", "--", "--json", "-h");
  assertEquals([code, out], [0, "undefined  false --json,-h"]);
});

for (const json of [[], ["--json"]]) {
  Deno.test(`a command is told that nobody reads on ${json}`, async () => {
    const { code, out } = await type("letters", "recite", ...json);
    assertEquals([code, out.split("\n").length], [0, 3]);
  });
}

Deno.test("--json prints one document and nothing else", async () => {
  const { code, out } = await type("letters", "show", "--json", "x");
  assertEquals([code, JSON.parse(out)], [0, {
    tag: [],
    all: false,
    args: ["x"],
  }]);
});

Deno.test("--json prints a failure as a document, and to standard error", async () => {
  const { code, out, errors } = await type("letters", "lose", "--json");
  assertEquals([code, JSON.parse(out), errors], [
    1,
    { error: { code: "gone", message: "Cannot show: it is gone" } },
    "Cannot show: it is gone",
  ]);
});

for (
  const [line, message] of [
    ["leters", /Unknown command "leters": did you mean "letters"\?/],
    [
      "letters shwo",
      /Unknown command "letters shwo": did you mean "show"\?\nSee demo letters --help/,
    ],
    ["letters", /demo letters needs a command/],
    [
      "letters show --form 3",
      /Unknown option "--form": did you mean "--from"\?\nSee demo letters show --help/,
    ],
    ["letters show --from --all", /Option "--from" needs a value: <id>/],
    ["letters show --from", /Option "--from" needs a value: <id>/],
    ["letters show --from 1 --from 2", /Option "--from" was given twice/],
    ["letters show --all=yes", /Option "--all" takes no value/],
    ["letters lose now", /Unexpected argument "now"/],
    ["letters refuse", /One id is needed\nSee demo letters refuse --help/],
    ["--constructor", /Unknown option "--constructor"/],
  ] as const
) {
  Deno.test(`"${line}" is used wrongly: exit code 2`, async () => {
    const { code, out, errors } = await type(...line.split(" "));
    assertEquals([code, out], [2, ""]);
    match(errors, message);
  });
}

Deno.test("--help teaches: usage, commands, options", async () => {
  const top = await type("--help");
  assertEquals(top.code, 0);
  match(top.out, /Usage: demo <command>[^]*letters {2}Letters/);
  const one = await type("letters", "show", "--help");
  match(
    one.out,
    /Usage: demo letters show <id>\.\.\. \[options\][^]*--from <id> +First[^]*-a, --all +All[^]*--json/,
  );
});

Deno.test("no command at all prints the help and is used wrongly", async () => {
  const { code, out } = await type();
  assertEquals(code, 2);
  match(out, /Usage: demo/);
});
