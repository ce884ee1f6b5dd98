import { userInfo } from "node:os";

/**
 * Who runs this command, as the audit log names it: the user that the operating
 * system knows for this process, whatever its environment says.
 */
export function operator(): string {
  return `operator:${userName()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container, a user often has no name.
    return `uid-${Deno.uid() ?? "unknown"}`;
  }
}
