import { createSelfSignedCertificate } from "../http/self_signed_certificate.ts";
import { freePort, startRedis } from "./start_redis.ts";

/** A Redis that speaks TLS, with a certificate that is its own authority. */
export interface TestTlsRedis extends AsyncDisposable {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Holds {@link TestTlsRedis.certFile}. */
  readonly folder: string;
  readonly certFile: string;
}

/** Starts it; it asks its clients for no certificate. */
export async function startTlsRedis(): Promise<TestTlsRedis> {
  await using started = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir();
  started.defer(() => Deno.remove(folder, { recursive: true }));
  const { cert, key } = createSelfSignedCertificate(["127.0.0.1"], Date.now());
  const [certFile, keyFile] = [`${folder}/cert.pem`, `${folder}/key.pem`];
  await Deno.writeTextFile(certFile, cert);
  await Deno.writeTextFile(keyFile, key);
  const port = freePort();
  const { host } = started.use(
    await startRedis({
      args: [
        ...["--tls-port", String(port), "--tls-auth-clients", "no"],
        ...["--tls-cert-file", certFile, "--tls-key-file", keyFile],
        ...["--tls-ca-cert-file", certFile],
      ],
    }),
  );
  const owned = started.move();
  return {
    host,
    port,
    folder,
    certFile,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
