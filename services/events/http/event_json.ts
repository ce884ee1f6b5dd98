import type { DeadLetter } from "../domain/dead_letter.ts";
import type { StoredEvent } from "../domain/event.ts";
import type { DeadLetterBody } from "@mainstay/contracts/events";

/**
 * A stored event as JSON text on one line, with its data as it is stored: no
 * number in it is changed by being read.
 */
export function eventJson(event: StoredEvent): string {
  const { streamId, shard, headers, timestamp } = event;
  const head = JSON.stringify({
    streamId,
    shard,
    event: event.event,
    aggregateId: event.aggregateId,
  }).slice(0, -1);
  const tail = JSON.stringify({ headers, timestamp }).slice(1);
  return `${head},"data":${onOneLine(event.json)},${tail}`;
}

/** Others may have stored JSON with line breaks, which JSON allows between tokens only. */
export function onOneLine(json: string): string {
  return json.replaceAll(/[\r\n]/g, " ");
}

/** A dead letter as the wire carries it. */
export function deadLetterBody(letter: DeadLetter): DeadLetterBody {
  const { id, shard, originId, group, consumer, reason } = letter;
  const { error, attempts, deadAt, fields } = letter;
  return {
    ...{ id, shard, originId, group, consumer, reason },
    ...{ error, attempts, deadAt, fields },
  };
}
