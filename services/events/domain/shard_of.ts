/**
 * The shard of an aggregate: FNV-1a (32 bit) of its id, modulo `shards`. Ids are
 * ASCII, so a character is a byte.
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
  for (let at = 0; at < aggregateId.length; at++) {
    hash = Math.imul(hash ^ aggregateId.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0) % shards;
}
