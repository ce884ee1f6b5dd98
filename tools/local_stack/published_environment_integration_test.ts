import {
  deepStrictEqual as assertEquals,
  strictEqual,
} from "node:assert/strict";
import {
  publishEnvironment,
  readPublishedEnvironment,
} from "./published_environment.ts";

async function withHome(work: (home: string) => Promise<void>): Promise<void> {
  const before = Deno.env.get("MAINSTAY_HOME");
  const home = await Deno.makeTempDir({ prefix: "mainstay-home-" });
  Deno.env.set("MAINSTAY_HOME", home);
  try {
    await work(home);
  } finally {
    if (before === undefined) Deno.env.delete("MAINSTAY_HOME");
    else Deno.env.set("MAINSTAY_HOME", before);
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("what runs is found while it runs, by its user only", () =>
  withHome(async (home) => {
    strictEqual(await readPublishedEnvironment(), undefined);
    {
      await using _published = await publishEnvironment({ A: "1" });
      assertEquals(await readPublishedEnvironment(), { A: "1" });
      const { mode } = await Deno.stat(`${home}/environment.json`);
      strictEqual(mode! & 0o777, 0o600);
    }
    strictEqual(await readPublishedEnvironment(), undefined);
  }));

Deno.test("what a crash left behind is not believed", () =>
  withHome(async (home) => {
    const child = new Deno.Command(Deno.execPath(), { args: ["--version"] })
      .spawn();
    await child.status;
    await Deno.writeTextFile(
      `${home}/environment.json`,
      JSON.stringify({ pid: child.pid, env: { A: "1" } }),
    );
    strictEqual(await readPublishedEnvironment(), undefined);
  }));
