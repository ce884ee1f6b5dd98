import {
  type Redis,
  type RedisLink,
  RedisOutcomeUnknown,
  type RedisScript,
  RedisUnavailable,
} from "@mainstay/adapters/redis";
import type { Breaker } from "@mainstay/kernel/resilience";
import { shardOf } from "../domain/shard_of.ts";
import { KEY_TTL_SECONDS } from "./publish_lane.ts";
import { idempotencyConflict } from "./publish_refusal.ts";
import { CLAIM, UNCLAIM } from "./publish_scripts.ts";
import { companionKey } from "./stream_keys.ts";

/** What a key was used for, under a name that no other publisher's key has. */
export interface NamedKey {
  readonly name: string;
  readonly fingerprint: string;
}

/** Claims that one script can reach. */
interface Group {
  readonly keys: [string, ...string[]];
  readonly fingerprints: string[];
}

/**
 * With several shards, a key first belongs to one body, wherever its events go:
 * the shards know nothing of each other.
 */
export class KeyClaims {
  readonly #link: RedisLink;
  readonly #clustered: boolean;
  readonly #streams: readonly string[];
  readonly #breaker: Breaker;

  constructor(redis: Redis, streams: readonly string[], breaker: Breaker) {
    this.#link = redis.link("publisher");
    this.#clustered = redis.clustered;
    this.#streams = streams;
    this.#breaker = breaker;
  }

  /**
   * Claims all of a call's keys, or none: what it has claimed elsewhere in a
   * cluster before one is refused, it gives back, unless the connection is lost
   * in between.
   *
   * @throws {PublishRefused} `idempotency-conflict` if one is another body's.
   * @throws {RedisUnavailable} No event is written yet; the same body may claim
   *   its keys again.
   */
  async claim(named: ReadonlyArray<NamedKey | undefined>): Promise<void> {
    const groups = this.#groups(named);
    const token = crypto.randomUUID();
    const outcomes = await Promise.allSettled(
      groups.map(async (group) => {
        const claimed = await this.#breaker.run(() =>
          this.#run(CLAIM, group, token)
        );
        if (claimed !== 1) throw idempotencyConflict();
      }),
    );
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed === undefined) return;
    await Promise.allSettled(
      groups.filter((_, i) => outcomes[i]?.status === "fulfilled")
        .map((group) => this.#run(UNCLAIM, group, token)),
    );
    throw failed.reason instanceof RedisOutcomeUnknown
      ? new RedisUnavailable(undefined, { cause: failed.reason })
      : failed.reason;
  }

  #groups(named: ReadonlyArray<NamedKey | undefined>): readonly Group[] {
    const fingerprints = new Map<string, string>();
    const groups = new Map<string, Group>();
    for (const key of named) {
      if (key === undefined) continue;
      const { name, fingerprint } = key;
      const before = fingerprints.get(name);
      if (before === fingerprint) continue;
      if (before !== undefined) throw idempotencyConflict();
      fingerprints.set(name, fingerprint);
      const home = this.#streams[shardOf(name, this.#streams.length)] ?? "";
      const claim = companionKey(home, `claim:${name}`);
      const reach = this.#clustered ? home : "";
      const group = groups.get(reach);
      if (group) {
        group.keys.push(claim);
        group.fingerprints.push(fingerprint);
      } else {
        groups.set(reach, { keys: [claim], fingerprints: [fingerprint] });
      }
    }
    return [...groups.values()];
  }

  #run(script: RedisScript, { keys, fingerprints }: Group, token: string) {
    return this.#link.run(script, keys, [
      KEY_TTL_SECONDS,
      token,
      ...fingerprints,
    ]);
  }
}
