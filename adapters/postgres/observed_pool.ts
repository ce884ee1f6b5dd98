import { connectFailure, type Place } from "./database_failure.ts";
import {
  type DriverPool,
  type DriverPoolClient,
  type DriverPoolConfig,
  Pool,
} from "./driver.ts";
import type { QueryObserver } from "./query_observer.ts";

type ConnectCallback = (
  error: unknown,
  client?: DriverPoolClient,
  done?: unknown,
) => void;

/** Opens nothing yet; connections come as they are asked for, and wait in turn past `max`. */
export function observedPool(
  config: DriverPoolConfig,
  place: Place,
  observer: QueryObserver,
): DriverPool {
  const explain = (error: unknown, pool: DriverPool, waited: boolean) => {
    observer.failed(error);
    // While it waited, the others may have died with the server.
    const stillFull = waited && pool.totalCount >= config.max;
    return connectFailure(
      error,
      place,
      stillFull ? "database-overloaded" : "database-unavailable",
    );
  };

  class ObservedPool extends Pool {
    override connect(): Promise<DriverPoolClient>;
    override connect(callback: ConnectCallback): void;
    override connect(
      callback?: ConnectCallback,
    ): Promise<DriverPoolClient> | void {
      // A caller that waits in turn waits for a connection, not for the server.
      const waits = this.totalCount >= config.max && this.idleCount === 0;
      if (callback) {
        return super.connect((error, client, done) =>
          callback(error && explain(error, this, waits), client, done)
        );
      }
      return super.connect().catch((error) => {
        throw explain(error, this, waits);
      });
    }
  }
  return new ObservedPool(config);
}
