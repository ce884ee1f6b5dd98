import type { NewEvent } from "./event.ts";

/** An event that shows that publishing and processing work. */
export function createTestEvent(
  trigger: "manual" | "schedule",
  service: string,
  nowMs: number,
  headers: Readonly<Record<string, string>> = {},
): NewEvent {
  return {
    event: "test.event",
    aggregateId: service,
    json: JSON.stringify({ trigger, sentAt: new Date(nowMs).toISOString() }),
    headers,
  };
}
