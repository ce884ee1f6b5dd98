import type { Redis } from "@mainstay/adapters/redis";
import { ConfigError } from "@mainstay/kernel/config";
import type { Part } from "@mainstay/kernel/lifecycle";
import { companionKey, streamKeys } from "./stream_keys.ts";

/**
 * Keeps two services from spreading one stream over unlike numbers of shards:
 * each would miss events of the other, and no aggregate would be in order.
 *
 * The number is written down beside the stream by whoever starts first. Its
 * start throws a {@link ConfigError} where it is another and the streams of
 * that number exist.
 */
export function streamLayout(
  redis: Redis,
  { stream, shards }: { readonly stream: string; readonly shards: number },
): Part {
  const link = redis.link("admin");
  const key = companionKey(stream, "shards");
  return {
    name: "stream-layout",
    async start() {
      const mine = String(shards);
      await link.send(key, ["SET", key, mine, "NX"]);
      const known = Number(await link.send(key, ["GET", key]));
      if (known === shards) return;
      const theirs = await Promise.all(
        streamKeys(stream, known).map((each) =>
          link.send(each, ["EXISTS", each])
        ),
      );
      if (theirs.includes(1)) {
        throw new ConfigError([{
          name: "STREAM_SHARDS",
          detail:
            `is ${shards}, but the stream ${stream} has ${known}; to change it, let every event be processed, stop all services of the stream and delete its ${known}`,
        }]);
      }
      await link.send(key, ["SET", key, mine]);
    },
  };
}
