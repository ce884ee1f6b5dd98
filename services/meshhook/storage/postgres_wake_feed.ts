import type { Postgres } from "@mainstay/adapters/postgres";
import type { WakeFeed } from "../domain/wake_feed.ts";

const CHANNEL = "meshhook_tasks";
/** A notification in every transaction would make their commits queue. */
const GATHER_MS = 2;

/** Tells by NOTIFY, and hears by LISTEN on a connection of its own. */
export function postgresWakeFeed(postgres: Postgres): WakeFeed {
  let told = false;
  return {
    tell() {
      if (told) return;
      told = true;
      setTimeout(() => {
        told = false;
        postgres.query({
          name: "tell-workers",
          text: `SELECT pg_notify('${CHANNEL}', '')`,
        }).catch(() => {});
      }, GATHER_MS);
    },
    async follow(onWake, signal) {
      await postgres.listen(CHANNEL, {
        onListening: onWake,
        onMessage: onWake,
        signal,
      });
    },
  };
}
