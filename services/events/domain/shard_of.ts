const encoder = new TextEncoder();

/**
 * The shard of an aggregate: FNV-1a (32 bit) of its id in UTF-8, modulo `shards`.
 *
 * Every process must agree on it for as long as a stream lives, so it never
 * changes: another function, like another number of shards, would put an
 * aggregate's next event into another stream and lose its order.
 *
 * @param shards At least 1.
 */
export function shardOf(aggregateId: string, shards: number): number {
  if (shards === 1) return 0;
  let hash = 0x811c9dc5;
  for (const byte of encoder.encode(aggregateId)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash >>> 0) % shards;
}
