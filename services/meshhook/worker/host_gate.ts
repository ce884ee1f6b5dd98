import type { Clock } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import type { Metrics } from "@mainstay/kernel/metrics";
import {
  type Breaker,
  BreakerOpen,
  type BreakerState,
  createBreaker,
} from "@mainstay/kernel/resilience";
import type { CalledHost } from "../domain/called_host.ts";

/** Leaves hosts alone that fail, for a while. */
export interface HostGate {
  /** For how long the host is to be left alone; undefined: it may be called. */
  heldMs(called: CalledHost): number | undefined;
  /**
   * Calls, unless the host is left alone.
   *
   * @param isFault Whether an answer says that the host is not well.
   * @returns The answer, or for how long there is to be none.
   */
  call<Answer>(
    called: CalledHost,
    send: () => Promise<Answer>,
    isFault: (answer: Answer) => boolean,
  ): Promise<Answer | { readonly heldMs: number }>;
}

/** The one that was called longest ago is forgotten. */
const MAX_HOSTS = 10_000;
const STATES: readonly BreakerState[] = ["closed", "half-open", "open"];

interface Known {
  readonly breaker: Breaker;
  /** What the log was last told. */
  told: BreakerState;
}

/** An answer that counts as a failure of its host. */
class FaultyAnswer extends Error {
  readonly answer: unknown;

  constructor(answer: unknown) {
    super("The host is not well");
    this.answer = answer;
  }
}

/**
 * Makes a breaker for each host that is called: five failures in a row open it
 * for half a minute, then one call tries. How many are in which state is
 * `meshhook_host_breakers{state}`; the log names them.
 */
export function createHostGate(
  { clock, log, metrics }: {
    readonly clock: Clock;
    readonly log: Logger;
    readonly metrics: Metrics;
  },
): HostGate {
  const known = new Map<string, Known>();
  const gauge = metrics.gauge<"state">({
    name: "meshhook_host_breakers",
    help: "Hosts that this worker calls, by the state of their breaker.",
    labels: ["state"],
  });
  metrics.onScrape(() => {
    const states = [...known.values()].map(({ breaker }) => breaker.state);
    for (const state of STATES) {
      gauge.set({ state }, states.filter((other) => other === state).length);
    }
  });

  function find({ projectId, host }: CalledHost): Known {
    const key = `${projectId} ${host}`;
    const found = known.get(key) ?? {
      breaker: createBreaker({
        name: "host",
        clock,
        isFailure: (error) => error instanceof FaultyAnswer,
      }),
      told: "closed",
    };
    known.delete(key);
    known.set(key, found);
    if (known.size > MAX_HOSTS) known.delete(known.keys().next().value!);
    return found;
  }

  return {
    heldMs: (called) => find(called).breaker.refusal?.retryAfterMs,
    async call(called, send, isFault) {
      const host = find(called);
      try {
        return await host.breaker.run(async () => {
          const answer = await send();
          if (isFault(answer)) throw new FaultyAnswer(answer);
          return answer;
        });
      } catch (failure) {
        if (failure instanceof BreakerOpen) {
          return { heldMs: failure.retryAfterMs ?? 0 };
        }
        if (!(failure instanceof FaultyAnswer)) throw failure;
        return failure.answer as Awaited<ReturnType<typeof send>>;
      } finally {
        const { state } = host.breaker;
        if (state === "open" && host.told === "closed") {
          log.warn("A host fails, and is left alone for a while", {
            ...called,
          });
          host.told = state;
        } else if (state === "closed" && host.told === "open") {
          log.info("A host answers again", { ...called });
          host.told = state;
        }
      }
    },
  };
}
