/**
 * The stream keys of all shards, by shard number: `stream` itself when there is
 * one, else `stream:{0}` and so on, each in a hash slot of its own. See
 * docs/adr/0001-events-are-plain-stream-entries.md.
 */
export function streamKeys(stream: string, shards: number): readonly string[] {
  if (shards === 1) return [stream];
  return Array.from({ length: shards }, (_, k) => `${stream}:{${k}}`);
}

/**
 * A key that belongs to a stream and lives in its hash slot, so that one script
 * may touch both: `{event-stream}:retries` beside `event-stream`,
 * `event-stream:{3}:retries` beside `event-stream:{3}`.
 */
export function companionKey(streamKey: string, suffix: string): string {
  return /\{[^}]+\}/.test(streamKey)
    ? `${streamKey}:${suffix}`
    : `{${streamKey}}:${suffix}`;
}
