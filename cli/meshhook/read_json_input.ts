import { UsageError } from "../usage_error.ts";

/**
 * Reads JSON from a file, or from standard input for `-`.
 *
 * @throws {UsageError} If it cannot be read or holds no JSON, with the place.
 */
export async function readJsonInput(path: string): Promise<unknown> {
  let text: string;
  try {
    text = path === "-"
      ? await new Response(Deno.stdin.readable).text()
      : await Deno.readTextFile(path);
  } catch (failure) {
    if (!(failure instanceof Error)) throw failure;
    throw new UsageError(`Cannot read ${path}: ${failure.message}`);
  }
  try {
    return JSON.parse(text);
  } catch (failure) {
    if (!(failure instanceof SyntaxError)) throw failure;
    throw new UsageError(`${path} holds no JSON: ${failure.message}`);
  }
}
