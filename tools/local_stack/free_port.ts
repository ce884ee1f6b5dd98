/**
 * A TCP port of 127.0.0.1 that nothing listens on at this moment.
 *
 * Another process may take it before it is used, so that who starts a server
 * on it tries again with another one.
 */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
