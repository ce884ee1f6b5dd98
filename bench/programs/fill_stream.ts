import type { RedisClientType } from "redis";
import { sampleData } from "./sample.ts";

/** Puts `count` events of 1,000 aggregates into a new, empty `stream`. */
export async function fillStream(
  client: Pick<RedisClientType, "sendCommand">,
  stream: string,
  count: number,
): Promise<void> {
  await client.sendCommand(["DEL", stream]);
  const data = JSON.stringify(sampleData());
  const timestamp = new Date().toISOString();
  for (let sent = 0; sent < count; sent += 1000) {
    await Promise.all(
      Array.from({ length: 1000 }, (_, index) =>
        client.sendCommand([
          "XADD",
          stream,
          "*",
          "event",
          "order.created",
          "aggregateId",
          `order-${index}`,
          "data",
          data,
          "headers",
          "{}",
          "timestamp",
          timestamp,
        ])),
    );
  }
}
