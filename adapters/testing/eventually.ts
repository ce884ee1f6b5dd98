/**
 * Waits until `holds` gives true, asking every 20 ms; for what another process
 * does in its own time. Code under test that takes a clock is given a fake one.
 *
 * @throws {Error} Naming `what`, and the last failure, once `timeoutMs` has passed.
 */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let cause: unknown;
  while (true) {
    try {
      if (await holds()) return;
      cause = undefined;
    } catch (failure) {
      cause = failure;
    }
    if (Date.now() > deadline) {
      throw new Error(`Not within ${timeoutMs} ms: ${what}`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
