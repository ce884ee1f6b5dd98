import { stateFolder } from "./state_folder.ts";

/**
 * A secret of the local stack, made when first asked for and kept in a file
 * that only this user can read; whole or not there.
 *
 * @param make Default: a random UUID.
 */
export async function keptSecret(
  name: string,
  make: () => string | Promise<string> = () => crypto.randomUUID(),
): Promise<string> {
  const file = `${await stateFolder()}/${name}`;
  try {
    return await Deno.readTextFile(file);
  } catch (failure) {
    if (!(failure instanceof Deno.errors.NotFound)) throw failure;
    const secret = await make();
    await Deno.writeTextFile(`${file}.new`, secret, { mode: 0o600 });
    await Deno.rename(`${file}.new`, file);
    return secret;
  }
}
