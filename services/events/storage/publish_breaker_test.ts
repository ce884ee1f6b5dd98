import { rejects, strictEqual } from "node:assert/strict";
import {
  RedisOutcomeUnknown,
  RedisReplyError,
  RedisUnavailable,
} from "@mainstay/adapters/redis";
import { createFakeClock } from "@mainstay/kernel/lifecycle";
import { createPublishBreaker } from "./publish_breaker.ts";

function setUp() {
  const clock = createFakeClock();
  const breaker = createPublishBreaker(clock);
  const fail = (error: Error) =>
    rejects(breaker.run(() => Promise.reject(error)), (it) => it === error);
  /** A connection is lost, with `writes` on it. */
  const lose = async (writes = 1) => {
    const cause = new Error("No answer for 5000 ms");
    for (let write = 1; write <= writes; write++) {
      await fail(new RedisOutcomeUnknown({ cause }));
    }
  };
  return { breaker, clock, fail, lose };
}

Deno.test("the publish breaker opens at the third lost connection, not at the third lost write", async () => {
  const { breaker, lose } = setUp();
  await lose(100);
  await lose(100);
  strictEqual(breaker.state, "closed");
  await lose();
  strictEqual(breaker.state, "open");
});

Deno.test("the publish breaker counts nothing that Redis has answered or was not sent", async () => {
  const { breaker, fail, lose } = setUp();
  for (let i = 1; i <= 10; i++) {
    await fail(new RedisUnavailable());
    await fail(new RedisReplyError("OOM command not allowed"));
  }
  await lose();
  await lose();
  await breaker.run(() => "written");
  await lose();
  await lose();
  strictEqual(breaker.state, "closed");
});

Deno.test("the publish breaker is closed by an answer, not by a link that is down", async () => {
  const { breaker, clock, fail, lose } = setUp();
  for (let i = 1; i <= 3; i++) await lose();
  await clock.advance(5_000);
  await fail(new RedisUnavailable());
  strictEqual(breaker.state, "open");
  await clock.advance(5_000);
  await lose();
  strictEqual(breaker.state, "open");
  await clock.advance(5_000);
  await fail(new RedisReplyError("OOM command not allowed"));
  strictEqual(breaker.state, "closed");
});
