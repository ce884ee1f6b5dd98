import type { HttpConfig } from "@mainstay/adapters/http";
import type { Module } from "@mainstay/kernel/lifecycle";

/**
 * Says at start that a proxy must be in front, and that its word for who a
 * client is is not believed: all people would share one address then, and so
 * one rate limit and one guard against guessing.
 */
export function proxyWarning(
  { trustedProxies = [], tlsCertFile }: Pick<
    HttpConfig,
    "trustedProxies" | "tlsCertFile"
  >,
  publicUrl: string,
): Module {
  return {
    name: "proxy-warning",
    setup({ log }) {
      const behindProxy = new URL(publicUrl).protocol === "https:" &&
        tlsCertFile === undefined;
      if (!behindProxy || trustedProxies.length > 0) return;
      log.warn(
        "TRUSTED_PROXIES is empty: whoever comes through the proxy counts as one client",
        { publicUrl },
      );
    },
  };
}
