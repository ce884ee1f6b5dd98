/** A user of the system, by number. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The user that a server which refuses to run as root runs as: `nobody`.
 *
 * @returns Undefined unless this process is root: then the server is ours.
 */
export async function serverUser(): Promise<ServerUser | undefined> {
  if (Deno.uid() !== 0) return undefined;
  const users = await Deno.readTextFile("/etc/passwd");
  const [, uid = "65534", gid = "65534"] =
    /^nobody:[^:]*:(\d+):(\d+)/m.exec(users) ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}
