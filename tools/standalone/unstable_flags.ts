const file = new URL("../../deno.json", import.meta.url);
const { unstable } = JSON.parse(await Deno.readTextFile(file)) as {
  readonly unstable: readonly string[];
};

/** What the code uses of Deno that `deno.json` turns on, for a run without that file. */
export const UNSTABLE_FLAGS: readonly string[] = unstable
  .filter((name) => !name.startsWith("fmt-"))
  .map((name) => `--unstable-${name}`);
