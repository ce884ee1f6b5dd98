import { connect } from "node:net";
import type { RedisAddress } from "./redis_config.ts";

/** Thrown inside an attempt whose time is up. */
export class AttemptTimeout extends Error {
  override readonly name = "AttemptTimeout";
}

/**
 * Why an attempt to connect failed, in words that tell an operator what to do
 * and hold no secret.
 */
export async function explainConnectFailure(
  error: unknown,
  address: RedisAddress,
  tls: boolean,
): Promise<string> {
  const { code, message } = describe(error);
  if (code === "ECONNREFUSED") return "connection refused";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return "the host name does not resolve";
  }
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH") {
    return "the host is unreachable";
  }
  if (error instanceof AttemptTimeout || /timeout|aborted/i.test(message)) {
    return tls && await opens(address)
      ? "TLS mismatch: the port is open but does not answer the TLS handshake"
      : "timeout: no answer in time";
  }
  if (/^WRONGPASS|invalid password|invalid username-password/i.test(message)) {
    return "wrong user or password (WRONGPASS)";
  }
  if (/^ERR AUTH .*without any password/i.test(message)) {
    return "a password is configured, but the server has none for this user";
  }
  if (/^NOAUTH/.test(message)) return "a password is required (NOAUTH)";
  if (/^NOPERM/.test(message)) {
    return "the user may not run the commands that are needed (NOPERM)";
  }
  if (/^LOADING/.test(message)) return "the server is loading its data set";
  if (/^MASTERDOWN/.test(message)) return "the server has lost its primary";
  if (/Unknown RESP type/.test(message)) {
    return "TLS mismatch or not a Redis server: the answer is not the Redis protocol";
  }
  if (
    /cert|self[- ]signed|issuer|handshake|ssl|tls/i.test(`${code} ${message}`)
  ) {
    return `TLS failed (${code || message.slice(0, 80)})`;
  }
  if (code === "ECONNRESET" || /closed unexpectedly/.test(message)) {
    return tls
      ? "the server closed the connection"
      : "the server closed the connection (does it expect TLS?)";
  }
  return message.slice(0, 200);
}

function describe(error: unknown): { code: string; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return describe(error.errors[0]);
  }
  if (!(error instanceof Error)) return { code: "", message: String(error) };
  const code = "code" in error ? String(error.code) : "";
  return { code, message: error.message };
}

/** Whether a TCP connection comes about within a second. */
function opens({ host, port }: RedisAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (open: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(open);
    };
    const timer = setTimeout(done, 1000, false);
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
  });
}
