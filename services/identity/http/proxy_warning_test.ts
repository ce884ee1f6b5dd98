import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { captureLogger } from "@mainstay/adapters/testing";
import { createKernel } from "@mainstay/kernel/lifecycle";
import { proxyWarning } from "./proxy_warning.ts";

const HTTPS = "https://id.example";

function said(
  config: Parameters<typeof proxyWarning>[0],
  publicUrl: string,
): readonly string[] {
  const log = captureLogger();
  const kernel = createKernel({
    identity: { name: "test", version: "1.0.0", environment: "test" },
    logging: { level: "ERROR", format: "json" },
  });
  proxyWarning(config, publicUrl).setup({ ...kernel, log });
  return log.messages();
}

Deno.test("proxyWarning() warns where all clients would count as one", () => {
  assertEquals(
    said({ trustedProxies: undefined, tlsCertFile: undefined }, HTTPS),
    [
      "WARN TRUSTED_PROXIES is empty: whoever comes through the proxy counts as one client",
    ],
  );
});

Deno.test("proxyWarning() is silent with a proxy that is trusted, and without one", () => {
  const proxied = { trustedProxies: ["192.0.2.1"], tlsCertFile: undefined };
  assertEquals(said(proxied, HTTPS), []);
  const itself = { trustedProxies: undefined, tlsCertFile: "/cert.pem" };
  assertEquals(said(itself, HTTPS), []);
  const local = { trustedProxies: undefined, tlsCertFile: undefined };
  assertEquals(said(local, "http://localhost:8080"), []);
});
