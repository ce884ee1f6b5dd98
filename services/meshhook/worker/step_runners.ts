import { isTrue } from "../domain/expression.ts";
import type { StepRunner, StepRunners } from "../domain/step_runner.ts";
import type { WorkflowNode } from "@mainstay/contracts/meshhook_workflow";
import { type HttpCallOptions, httpCallRunner } from "./http_call_runner.ts";
import {
  type PublishEventOptions,
  publishEventRunner,
} from "./publish_event_runner.ts";
import { refusalOf, stepValues } from "./step_values.ts";

/** What the steps of a workflow do. */
export function stepRunners(
  options: HttpCallOptions & PublishEventOptions,
): StepRunners {
  const { expressions } = options;
  return {
    transform: orRefused(async ({ expression }, { scope, task }) => ({
      output: await expressions.evaluate(expression, scope, task.projectId),
    })),
    branch: orRefused(async ({ expression }, { scope, task }) => ({
      output: isTrue(
        await expressions.evaluate(expression, scope, task.projectId),
      ),
    })),
    // It was due only now.
    delay: () => ({ output: null }),
    terminate: orRefused(async ({ output = null }, context) => {
      const values = stepValues(context, options);
      return { output: values.mask(await values.render(output)) };
    }),
    http_call: httpCallRunner(options),
    publish_event: publishEventRunner(options),
  };
}

function orRefused<Type extends WorkflowNode["type"]>(
  run: StepRunner<Type>,
): StepRunner<Type> {
  return async (node, context) => {
    try {
      return await run(node, context);
    } catch (failure) {
      const refusal = refusalOf(failure);
      if (refusal === undefined) throw failure;
      return refusal;
    }
  };
}
