/** A statement for many at once. */
export type GroupRun<Input, Output> = (
  inputs: readonly Input[],
) => Promise<readonly Output[]>;

/** Longer ones take longer than they save. */
const MAX_SIZE = 500;

/**
 * Makes one statement of all calls that come while the one before is under way:
 * a single call waits for nothing, and under load a round trip and a commit are
 * shared by as many as there are. A failure is that of every call in its group,
 * and of those that wait: they would wait for the same.
 *
 * @param run Gives an output for each input, in their order.
 */
export function grouped<Input, Output>(
  run: GroupRun<Input, Output>,
): (input: Input) => Promise<Output> {
  let waiting: Array<PromiseWithResolvers<Output> & { readonly input: Input }> =
    [];
  let busy = false;

  async function work(): Promise<void> {
    busy = true;
    while (waiting.length > 0) {
      const group = waiting.slice(0, MAX_SIZE);
      waiting = waiting.slice(MAX_SIZE);
      try {
        const outputs = await run(group.map(({ input }) => input));
        group.forEach(({ resolve }, at) => resolve(outputs[at]!));
      } catch (failure) {
        const failed = [...group, ...waiting];
        waiting = [];
        for (const { reject } of failed) reject(failure);
      }
    }
    busy = false;
  }

  return (input) => {
    const call = { ...Promise.withResolvers<Output>(), input };
    waiting.push(call);
    if (!busy) void work();
    return call.promise;
  };
}
