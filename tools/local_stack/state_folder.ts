import { fileURLToPath } from "node:url";

/** The checkout that this code lies in. */
export const checkout: string = fileURLToPath(
  new URL("../..", import.meta.url),
).replace(/\/$/, "");

/** `.mainstay/` of the checkout, or the folder that `MAINSTAY_HOME` names. */
export function stateHome(): string {
  return Deno.env.get("MAINSTAY_HOME") || `${checkout}/.mainstay`;
}

/**
 * The folder of the local stack, readable by its owner only: binaries, data and
 * passwords of the private servers. Deleting it resets the stack.
 *
 * @returns The absolute path of {@link stateHome}, or of a folder below it, which exists.
 */
export async function stateFolder(...below: string[]): Promise<string> {
  const top = stateHome();
  await Deno.mkdir(top, { recursive: true, mode: 0o700 });
  const folder = [top, ...below].join("/");
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}
