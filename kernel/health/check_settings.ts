import type { HealthCheck } from "./health_check.ts";

/** Groups that every registry knows. */
export const WELL_KNOWN_GROUPS = ["live", "ready", "startup"] as const;

const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** A check's description with every default filled in. */
export type CheckSettings = Readonly<Required<Omit<HealthCheck, "check">>>;

/**
 * Fills in the defaults of a check, having looked at what was given.
 *
 * @throws {TypeError} If the name is not kebab-case or there is no group.
 * @throws {RangeError} If a time or a threshold cannot work.
 */
export function parseCheckSettings(check: HealthCheck): CheckSettings {
  const { name, critical = true, scope = "own", groups = ["ready"] } = check;
  const refuse = (state: string) => `Cannot register check ${name}: ${state}`;
  if (!NAME.test(name)) throw new TypeError(refuse("not kebab-case"));
  if (groups.length === 0) throw new TypeError(refuse("it is in no group"));

  const timeoutMs = check.timeoutMs ?? 1_000;
  const intervalMs = check.intervalMs ?? 5_000;
  const downIntervalMs = check.downIntervalMs ?? Math.min(intervalMs, 1_000);
  const suspectIntervalMs = check.suspectIntervalMs ?? downIntervalMs;
  const maxAgeMs = check.maxAgeMs ?? intervalMs + 2 * timeoutMs;
  const failureThreshold = check.failureThreshold ?? 1;
  const successThreshold = check.successThreshold ?? 1;
  const times = { timeoutMs, intervalMs, downIntervalMs, suspectIntervalMs };
  for (const [what, value] of Object.entries(times)) {
    // Timers take 32 bits; a longer one would ring at once.
    if (!(value > 0 && value < 2 ** 31)) {
      throw new RangeError(refuse(`${what} is not between 0 and 2^31`));
    }
  }
  for (
    const [what, value] of Object.entries({
      failureThreshold,
      successThreshold,
    })
  ) {
    if (!(Number.isInteger(value) && value >= 1)) {
      throw new RangeError(refuse(`${what} is not a whole number from 1`));
    }
  }
  const longestMs = Math.max(intervalMs, downIntervalMs, suspectIntervalMs);
  if (!(maxAgeMs >= longestMs + timeoutMs)) {
    throw new RangeError(
      refuse("maxAgeMs is shorter than an interval and a timeout"),
    );
  }
  return {
    name,
    critical,
    scope,
    groups: [...groups],
    ...times,
    failureThreshold,
    successThreshold,
    maxAgeMs,
  };
}
