import { createPrivateKey, X509Certificate } from "node:crypto";
import { OperationalError } from "@mainstay/kernel/errors";

/** A certificate chain and its key, as PEM. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

/** Where a pair is, and which variables say so. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate that cannot be used. */
export class TlsUnusable extends OperationalError<"tls-unusable"> {
  constructor(files: TlsFiles, state: string, cause?: unknown) {
    super(
      "tls-unusable",
      `Cannot use the certificate ${files.certFile} with the key ${files.keyFile}: ${state}`,
      { cause },
    );
  }
}

/**
 * The files that two settings name together; undefined when neither is set.
 *
 * @throws {RangeError} If only one is.
 */
export function tlsFilesOf(
  certFile: string | undefined,
  keyFile: string | undefined,
  prefix = "",
): TlsFiles | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    throw new RangeError(
      `Cannot use TLS: ${prefix}TLS_CERT_FILE and ${prefix}TLS_KEY_FILE must be set together`,
    );
  }
  return { certFile, keyFile };
}

/**
 * Reads a pair and tries it: both parse, and the key is the certificate's.
 *
 * @throws {TlsUnusable}
 */
export async function readTlsPair(files: TlsFiles): Promise<TlsPair> {
  let pair: TlsPair;
  try {
    const [cert, key] = await Promise.all([
      Deno.readTextFile(files.certFile),
      Deno.readTextFile(files.keyFile),
    ]);
    pair = { cert, key };
  } catch (cause) {
    throw new TlsUnusable(files, "a file cannot be read", cause);
  }
  let matches: boolean;
  try {
    matches = new X509Certificate(pair.cert)
      .checkPrivateKey(createPrivateKey(pair.key));
  } catch (cause) {
    throw new TlsUnusable(files, "a file is no PEM of its kind", cause);
  }
  if (!matches) throw new TlsUnusable(files, "the key is another one's");
  return pair;
}
