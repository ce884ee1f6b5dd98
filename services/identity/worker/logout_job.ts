import { guardedFetch, OutboundRefused } from "@mainstay/adapters/http";
import {
  backgroundJob,
  type Clock,
  type Kernel,
  type Part,
} from "@mainstay/kernel/lifecycle";
import type { ClientStore } from "../domain/client_store.ts";
import type { KeyRing } from "../domain/key_ring.ts";
import type { LogoutDelivery, LogoutQueue } from "../domain/logout_queue.ts";
import { signLogoutToken } from "../domain/logout_token.ts";

/** What the job works with. */
export interface LogoutJobOptions {
  readonly issuer: string;
  /** Whether clients may be told over plain HTTP and on private networks. */
  readonly allowPrivate: boolean;
  readonly queue: LogoutQueue;
  readonly clients: Pick<ClientStore, "find">;
  readonly keys: KeyRing;
  readonly clock: Clock;
}

const LOOK_MS = 1_000;
const AT_ONCE = 20;
const ANSWER_MS = 5_000;
/** Nothing in the answer is read. */
const MAX_BYTES = 16_384;
/** Past the time of an attempt, so that no other replica makes it meanwhile. */
const BUSY_MS = 60_000;
const FIRST_RETRY_MS = 5_000;
const LAST_RETRY_MS = 3_600_000;

/**
 * Tells clients that sessions have ended (OpenID Connect Back-Channel Logout
 * 1.0), and those that do not answer 2xx again, for a day, at growing intervals.
 */
export function logoutJob(
  kernel: Pick<Kernel, "log" | "metrics">,
  options: LogoutJobOptions,
): Part {
  const { queue, clock } = options;
  const log = kernel.log.child("backchannel-logout");
  const deliveries = kernel.metrics.counter<"outcome">({
    name: "identity_logout_deliveries_total",
    help: "Attempts to tell a client that a session has ended.",
    labels: ["outcome"],
  });

  async function deliver(delivery: LogoutDelivery, signal: AbortSignal) {
    const { id, clientId, attempts } = delivery;
    const reason = await tell(delivery, options, signal);
    deliveries.add({ outcome: reason === undefined ? "delivered" : "failed" });
    if (reason === undefined) return await queue.delivered(id);
    const retryInMs = retryDelayMs(attempts);
    log.info("Cannot tell a client that a session has ended", {
      clientId,
      attempts,
      reason,
      retryInMs,
    });
    await queue.failed(id, new Date(clock.now() + retryInMs));
  }

  return backgroundJob(kernel, {
    name: "backchannel-logout",
    schedule: { everyMs: LOOK_MS },
    async run(signal) {
      const busyUntil = new Date(clock.now() + BUSY_MS);
      const due = await queue.takeDue(AT_ONCE, busyUntil);
      await Promise.all(due.map((delivery) => deliver(delivery, signal)));
    },
  }, { clock });
}

/** @returns Why the client does not know it yet; undefined if it does. */
async function tell(
  delivery: LogoutDelivery,
  { clients, keys, issuer, allowPrivate, clock }: LogoutJobOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const client = await clients.find(delivery.clientId);
  // Whoever was signed in with it has nothing left to be told.
  if (client?.backchannelLogoutUri === undefined) return undefined;
  const token = signLogoutToken(delivery, {
    issuer,
    nowMs: clock.now(),
    key: keys.current(client.idTokenAlg),
  });
  try {
    const { status } = await guardedFetch(client.backchannelLogoutUri, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ logout_token: token }).toString(),
      timeoutMs: ANSWER_MS,
      maxBytes: MAX_BYTES,
      allowPrivate,
      signal,
    });
    return status >= 200 && status < 300 ? undefined : `it answers ${status}`;
  } catch (failure) {
    if (failure instanceof OutboundRefused) return failure.message;
    throw failure;
  }
}

/** 5 s, 10 s, 20 s, … at most an hour. */
export function retryDelayMs(attempts: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** (attempts - 1), LAST_RETRY_MS);
}
