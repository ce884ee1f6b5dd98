import { retryDelayMs } from "@mainstay/kernel/resilience";
import { z } from "zod";
import type { StepResult } from "../domain/advance_run.ts";
import type { Json } from "../domain/run_event.ts";
import type { StepRunner } from "../domain/step_runner.ts";
import {
  refusalOf,
  StepRefused,
  stepValues,
  type StepValuesOptions,
} from "./step_values.ts";

/** What publishing needs. */
export interface PublishEventOptions extends StepValuesOptions {
  /** The events service; none: steps that publish are refused. */
  readonly eventsUrl: string | undefined;
  readonly eventsApiKey: string | undefined;
  readonly now: () => number;
}

const TIMEOUT_MS = 10_000;

/** The mistakes of a problem document (RFC 9457). */
const refusal = z.object({
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })),
});

/**
 * Publishes an event to the events service. Every attempt of a step has the same
 * id, so that the event is there once, however often it was sent.
 */
export function publishEventRunner(
  options: PublishEventOptions,
): StepRunner<"publish_event"> {
  const { eventsUrl, eventsApiKey, now } = options;
  return async (node, context) => {
    const { task, signal } = context;
    try {
      if (eventsUrl === undefined) {
        throw new StepRefused(
          "events-unset",
          "EVENTS_URL names no events service",
        );
      }
      const values = stepValues(context, options);
      const [event, aggregateId, data] = await Promise.all([
        values.render(node.event),
        values.render(node.aggregateId),
        values.render(node.data),
      ]);
      const id = `${task.runId}:${task.node}`;
      const response = await fetch(`${eventsUrl}/events`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(eventsApiKey === undefined
            ? {}
            : { authorization: `Bearer ${eventsApiKey}` }),
        },
        body: JSON.stringify({ event, aggregateId, data, id }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      const answer = await response.json().catch(() => null) as Json;
      if (response.status === 202) return { output: values.mask(answer) };
      const message = `The events service answered ${response.status}`;
      if (response.status < 500 && response.status !== 429) {
        const error = {
          code: "event-refused",
          message: message + whyOf(answer),
        };
        return { error: values.mask(error) as typeof error };
      }
      return later("events-unavailable", message);
    } catch (failure) {
      const refusal = refusalOf(failure);
      if (refusal !== undefined) return refusal;
      if (signal.aborted) throw failure;
      return later("events-unavailable", "The events service gave no answer");
    }

    function later(code: string, message: string): StepResult {
      const error = { code, message };
      const retry = task.failures + 1;
      if (retry >= node.retry.maxAttempts) return { error };
      const { baseDelayMs: baseMs, maxDelayMs: maxMs } = node.retry;
      const delayMs = retryDelayMs({ baseMs, maxMs }, retry);
      return { error, retryAtMs: Math.ceil(now() + delayMs) };
    }
  };
}

/** What the events service finds wrong: it says where, and never what was there. */
function whyOf(problem: Json): string {
  const { data } = refusal.safeParse(problem);
  const mistakes =
    data?.errors.map(({ pointer, detail }) => `${pointer} ${detail}`) ?? [];
  return mistakes.length === 0 ? "" : `: ${mistakes.join("; ").slice(0, 500)}`;
}
