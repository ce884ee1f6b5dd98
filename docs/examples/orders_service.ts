/**
 * An events service with handlers of its own. Run it like the one that is
 * shipped: `deno run -A docs/examples/orders_service.ts --service-name=orders
 * --redis-host=localhost --redis-port=6379`.
 *
 * @module
 */
import { eventsService, eventsSettings, on } from "@mainstay/events";
import { redisStorage } from "@mainstay/events/storage";
import { start } from "@mainstay/kernel/lifecycle";
import { z } from "zod";

/** What `order.created` carries. Data that does not parse is a dead letter at once. */
const order = z.object({ total: z.number().positive() });

/**
 * Charges an order. Events come at least once, so the charge has an id that
 * stays the same from attempt to attempt: the payment provider knows it again.
 */
const chargeOrder = on("order.created", async (event, { log, signal }) => {
  const charge = { id: event.streamId, amount: event.data.total };
  await requestPayment(charge, signal);
  log.info("Order charged", { order: event.aggregateId, ...charge });
}, { schema: order, maxAttempts: 3, timeoutMs: 5_000 });

/** All other events of orders: `order.created` has the handler that fits it best. */
const recordOrder = on("order.*", ({ event, aggregateId }, { log }) => {
  log.info("Order changed", { order: aggregateId, to: event });
});

/** Stands for a payment provider: it refuses amounts over 1,000. */
async function requestPayment(
  charge: { readonly id: string; readonly amount: number },
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  await Promise.resolve();
  if (charge.amount > 1_000) throw new Error("The provider refused the charge");
}

if (import.meta.main) {
  await start(eventsSettings, (config) => [
    eventsService(config, redisStorage, {
      handlers: [chargeOrder, recordOrder],
    }),
  ]);
}
