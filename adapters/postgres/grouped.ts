import { OperationalError } from "@mainstay/kernel/errors";

/** A statement for many at once. */
export type GroupRun<Input, Output> = (
  inputs: readonly Input[],
) => Promise<readonly Output[]>;

/**
 * Makes one statement of all calls that come while the one before is under way:
 * a single call waits for nothing, and under load a round trip and a commit are
 * shared by as many as there are. What the database refuses because of one call
 * is tried again for each alone. That it cannot be asked is the failure of every
 * call in the group, and of those that wait: they would wait for the same.
 *
 * @param run Gives an output for each input, in their order.
 * @param options.maxSize Longer groups take longer than they save. Default: 500.
 */
export function grouped<Input, Output>(
  run: GroupRun<Input, Output>,
  { maxSize = 500 }: { readonly maxSize?: number } = {},
): (input: Input) => Promise<Output> {
  type Call = PromiseWithResolvers<Output> & { readonly input: Input };
  const waiting: Call[] = [];
  let busy = false;

  async function settle(group: readonly Call[]): Promise<void> {
    try {
      const outputs = await run(group.map(({ input }) => input));
      group.forEach(({ resolve }, at) => resolve(outputs[at]!));
    } catch (failure) {
      const ofOne = isOfOne(failure);
      if (ofOne && group.length > 1) {
        for (const call of group) await settle([call]);
        return;
      }
      const failed = ofOne ? group : [...group, ...waiting.splice(0)];
      for (const { reject } of failed) reject(failure);
    }
  }

  async function work(): Promise<void> {
    busy = true;
    while (waiting.length > 0) await settle(waiting.splice(0, maxSize));
    busy = false;
  }

  return (input) => {
    const call = { ...Promise.withResolvers<Output>(), input };
    waiting.push(call);
    if (!busy) void work();
    return call.promise;
  };
}

/** Whether a failure may be that of one call, and not of the database. */
function isOfOne(failure: unknown): boolean {
  return !(failure instanceof OperationalError) ||
    failure.code === "database-conflict";
}
