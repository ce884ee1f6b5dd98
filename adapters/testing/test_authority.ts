import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import {
  der,
  extension,
  generalName,
  oid,
  pem,
  sequence,
  TAG,
  text,
  time,
} from "../http/der_writer.ts";

/** A certificate and its key, as PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says. */
export interface TestCertificateOptions {
  /** From the widest to the narrowest: `[["O", "Acme"], ["CN", "worker"]]`. */
  readonly subject: ReadonlyArray<readonly [type: "C" | "O" | "CN", string]>;
  readonly hosts?: readonly string[];
  /** Of X.509; the first has no extensions. Default 3. */
  readonly version?: 1 | 3;
}

/** An authority of a test's own. */
export interface TestAuthority {
  /** PEM. */
  readonly cert: string;
  issue(options: TestCertificateOptions): TestCertificate;
}

const ECDSA_WITH_SHA256 = "2a8648ce3d040302";
const TYPES = { C: "550406", O: "55040a", CN: "550403" } as const;
const SUBJECT_ALT_NAME = "551d11";
const BASIC_CONSTRAINTS = "551d13";
const HOUR_MS = 3_600_000;

type Keys = ReturnType<typeof newKeys>;

/** Makes an authority that issues certificates for servers and clients. */
export function createTestAuthority(): TestAuthority {
  const keys = newKeys();
  const subject = [["CN", "Test authority"]] as const;
  return {
    cert: certificate({ subject, keys, issuer: subject, signer: keys }, true),
    issue(options) {
      const own = newKeys();
      return pairOf({ ...options, keys: own, issuer: subject, signer: keys });
    },
  };
}

/** Makes a certificate that nobody vouches for. */
export function createTestCertificate(
  options: TestCertificateOptions,
): TestCertificate {
  const keys = newKeys();
  return pairOf({ ...options, keys, issuer: options.subject, signer: keys });
}

interface Contents extends TestCertificateOptions {
  readonly keys: Keys;
  readonly issuer: TestCertificateOptions["subject"];
  readonly signer: Keys;
}

function newKeys() {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function pairOf(contents: Contents): TestCertificate {
  const { privateKey } = contents.keys;
  return {
    cert: certificate(contents, false),
    key: String(privateKey.export({ type: "pkcs8", format: "pem" })),
  };
}

function certificate(
  { subject, keys, issuer, signer, hosts = [], version = 3 }: Contents,
  authority: boolean,
): string {
  const algorithm = sequence(oid(ECDSA_WITH_SHA256));
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const now = Date.now();
  const constraints = authority
    ? sequence(der(TAG.boolean, Uint8Array.of(0xff)))
    : sequence();
  const third = (element: Uint8Array) => version === 3 ? [element] : [];
  const body = sequence(
    ...third(der(0xa0, der(TAG.integer, Uint8Array.of(2)))),
    der(TAG.integer, serial),
    algorithm,
    nameOf(issuer),
    sequence(time(now - HOUR_MS), time(now + HOUR_MS)),
    nameOf(subject),
    keys.publicKey.export({ type: "spki", format: "der" }),
    ...third(der(
      0xa3,
      sequence(
        extension(BASIC_CONSTRAINTS, constraints),
        ...(hosts.length > 0
          ? [extension(SUBJECT_ALT_NAME, sequence(...hosts.map(generalName)))]
          : []),
      ),
    )),
  );
  const signature = sign("sha256", body, signer.privateKey);
  return pem(
    "CERTIFICATE",
    sequence(body, algorithm, der(TAG.bits, Uint8Array.of(0), signature)),
  );
}

function nameOf(subject: TestCertificateOptions["subject"]): Uint8Array {
  return sequence(
    ...subject.map(([type, value]) =>
      der(TAG.set, sequence(oid(TYPES[type]), text(TAG.utf8, value)))
    ),
  );
}
