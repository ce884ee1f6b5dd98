import {
  boolean,
  type Config,
  defineSettings,
  path,
  port,
} from "@mainstay/kernel/config";

/** What a service that knows clients by their certificates is configured with. */
export const mtlsSettings = defineSettings({
  mtlsPort: {
    env: "MTLS_PORT",
    kind: port({ orAny: true }),
    description:
      "Port of the listener that asks clients for a certificate (HTTPS); none without it",
    optional: true,
  },
  mtlsCertFile: {
    env: "MTLS_CERT_FILE",
    kind: path(),
    description: "Certificate chain of that listener (PEM)",
    optional: true,
  },
  mtlsKeyFile: {
    env: "MTLS_KEY_FILE",
    kind: path(),
    description: "Private key of that certificate (PEM)",
    optional: true,
  },
  mtlsCaFile: {
    env: "MTLS_CA_FILE",
    kind: path(),
    description:
      "Authorities (PEM) that issue certificates which name clients; without it a certificate is only a key",
    optional: true,
  },
  mtlsProxyHeader: {
    env: "MTLS_PROXY_HEADER",
    kind: boolean(),
    description:
      "Whether TRUSTED_PROXIES check client certificates and pass them on in Client-Cert (RFC 9440), which they must then remove from what clients send",
    default: false,
  },
});

/** The values of {@link mtlsSettings}. */
export type MtlsConfig = Config<typeof mtlsSettings>;
