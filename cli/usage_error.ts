/** A command was used wrongly: exit code 2, with a pointer to its help. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
