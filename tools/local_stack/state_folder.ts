import { fileURLToPath } from "node:url";

/** The checkout that this code lies in. */
export const checkout: string = fileURLToPath(
  new URL("../..", import.meta.url),
).replace(/\/$/, "");

/**
 * `.mainstay/` of the checkout, readable by its owner only: binaries, data and
 * passwords of the private servers. Deleting it resets the local stack.
 *
 * @returns The absolute path of `.mainstay/`, or of a folder below it, which exists.
 */
export async function stateFolder(...below: string[]): Promise<string> {
  const top = `${checkout}/.mainstay`;
  await Deno.mkdir(top, { recursive: true, mode: 0o700 });
  const folder = [top, ...below].join("/");
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}
