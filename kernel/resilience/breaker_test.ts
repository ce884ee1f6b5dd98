import {
  deepStrictEqual,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { OperationalError } from "../errors/operational_error.ts";
import { createFakeClock } from "../lifecycle/fake_clock.ts";
import { Degraded } from "../health/health_check.ts";
import { BreakerOpen, createBreaker } from "./breaker.ts";
import { breakerCheck } from "./observe_resilience.ts";

function setUp() {
  const clock = createFakeClock();
  const breaker = createBreaker({ name: "mail", clock });
  const fail = () =>
    rejects(
      breaker.run(() => Promise.reject(new Error("down"))),
      { message: "down" },
    );
  const refuse = () =>
    rejects(
      breaker.run(() => {
        throw new Error("must not be called");
      }),
      BreakerOpen,
    );
  const open = async () => {
    for (let failure = 1; failure <= 5; failure++) await fail();
  };
  return { clock, breaker, fail, refuse, open };
}

Deno.test("run() opens at the fifth failure in a row, not at the fifth in all", async () => {
  const { breaker, fail, refuse } = setUp();
  for (let failure = 1; failure <= 4; failure++) await fail();
  strictEqual(await breaker.run(() => "fine"), "fine");
  for (let failure = 1; failure <= 4; failure++) await fail();
  strictEqual(breaker.state, "closed");
  await fail();
  strictEqual(breaker.state, "open");
  await refuse();
});

Deno.test("run() lets one call through after 30 s, whose success closes", async () => {
  const { breaker, clock, open, refuse } = setUp();
  await open();
  await clock.advance(29_999);
  await refuse();
  await clock.advance(1);
  strictEqual(breaker.state, "half-open");
  const { promise, resolve } = Promise.withResolvers<string>();
  const trial = breaker.run(() => promise);
  await refuse();
  resolve("up");
  strictEqual(await trial, "up");
  strictEqual(breaker.state, "closed");
});

Deno.test("run() opens again for 30 s when the one call fails", async () => {
  const { breaker, clock, fail, open, refuse } = setUp();
  await open();
  await clock.advance(30_000);
  await fail();
  strictEqual(breaker.state, "open");
  await clock.advance(29_999);
  await refuse();
});

Deno.test("run() says when to come back", async () => {
  const { breaker, clock, open } = setUp();
  await open();
  await clock.advance(10_000);
  await rejects(breaker.run(() => 1), (error) => {
    deepStrictEqual(
      error instanceof BreakerOpen && [error.retryable, error.retryAfterMs],
      [true, 20_000],
    );
    return true;
  });
});

Deno.test("run() does not count refusals and aborts", async () => {
  const { breaker } = setUp();
  const refusal = new OperationalError("not-found", "Cannot find it: gone");
  const abort = new DOMException("stop", "AbortError");
  for (let call = 1; call <= 10; call++) {
    for (const error of [refusal, abort]) {
      await rejects(
        breaker.run(() => Promise.reject(error)),
        (e) => e === error,
      );
    }
  }
  strictEqual(breaker.state, "closed");
});

Deno.test("run() is not closed by a call that was aborted", async () => {
  const { breaker, clock, open } = setUp();
  await open();
  await clock.advance(30_000);
  const abort = new DOMException("stop", "AbortError");
  await rejects(breaker.run(() => Promise.reject(abort)), (e) => e === abort);
  strictEqual(breaker.state, "open");
});

Deno.test("breakerCheck() fails while open, is degraded while half-open, else well", async () => {
  const { breaker, clock, open } = setUp();
  const check = breakerCheck(breaker, { groups: ["ready", "mail"] });
  const { signal } = new AbortController();
  strictEqual(check.critical, false);
  deepStrictEqual(check.groups, ["ready", "mail"]);
  strictEqual(check.check(signal), undefined);
  await open();
  throws(() => check.check(signal), { message: "The breaker is open" });
  await clock.advance(30_000);
  throws(() => check.check(signal), Degraded);
});
