import { connect } from "node:net";
import type { CheckOptions, HealthCheck } from "./health_check.ts";

/** Where to connect, and what else a check has. */
export interface TcpCheckOptions extends CheckOptions {
  readonly host: string;
  readonly port: number;
}

/**
 * Opens a connection and closes it: something listens there.
 *
 * @example
 * ```ts
 * import { strictEqual as assertEquals } from "node:assert/strict";
 * import { tcpCheck } from "@mainstay/kernel/health";
 *
 * const check = tcpCheck({ name: "smtp", host: "mail.internal", port: 25 });
 * assertEquals(check.name, "smtp");
 * ```
 */
export function tcpCheck(
  { host, port, ...options }: TcpCheckOptions,
): HealthCheck {
  return {
    name: "tcp",
    ...options,
    check: (signal) =>
      new Promise<void>((resolve, reject) => {
        const socket = connect({ host, port });
        const end = (failure?: unknown) => {
          signal.removeEventListener("abort", onAbort);
          socket.destroy();
          if (failure === undefined) resolve();
          else reject(failure);
        };
        const onAbort = () => end(signal.reason);
        signal.addEventListener("abort", onAbort);
        socket.once("connect", () => end());
        socket.once("error", end);
      }),
  };
}
