import { buildConsole, type LocalStack } from "@mainstay/tools/local_stack";
import { type Demo, seedDemo } from "./demo.ts";
import {
  keptEncryptionKey,
  preparePrivateDatabase,
} from "./private_database.ts";
import type { Place } from "./up_services.ts";

/** What `up` has made for the identity servers. */
export interface PreparedIdentity {
  /** Variables of theirs, and of what accepts their tokens. */
  readonly env: Readonly<Record<string, string>>;
  /** Not in a database of someone else's. */
  readonly demo: Demo | undefined;
}

/**
 * Makes the database, keys and demo of the identity servers, each unless it is
 * there, and says who they are to the other services.
 */
export async function prepareIdentity(
  places: ReadonlyMap<string, Place>,
  { given, stack, report }: {
    readonly given: Readonly<Record<string, string>>;
    readonly stack: LocalStack;
    /** Told before something that takes long. */
    readonly report: (line: string) => void;
  },
): Promise<PreparedIdentity> {
  const url = (name: string, port: number) =>
    `http://localhost:${places.get(name)?.servicePort ?? port}`;
  const addresses = {
    ISSUER: given["ISSUER"] ?? url("authz", 8080),
    IDP_URL: given["IDP_URL"] ?? url("idp", 8081),
    RS_URL: given["RS_URL"] ?? url("rs", 8082),
    SPA_URL: given["SPA_URL"] ?? url("spa", 8083),
  };
  const events = url("events", 8000);
  const accepting = given["AUTH_ISSUER"] === undefined
    ? {
      AUTH_ISSUER: addresses.ISSUER,
      AUTH_JWKS_URL: `${addresses.ISSUER}/oauth2/v1/jwks`,
      AUTH_AUDIENCE: events,
      LOCAL_ACCESS: given["LOCAL_ACCESS"] ?? "true",
    }
    : {};
  const superuser = stack.env["DATABASE_URL"];
  const databaseUrl = superuser === undefined
    ? given["DATABASE_URL"]!
    : await preparePrivateDatabase(superuser, { name: "identity" });
  const env = {
    ...addresses,
    ...accepting,
    STATUS_SERVICES: given["STATUS_SERVICES"] ?? `events=${events}`,
    CONSOLE_FOLDER: given["CONSOLE_FOLDER"] ?? await buildConsole(report),
    DATABASE_URL: databaseUrl,
    KEY_ENCRYPTION_KEYS: given["KEY_ENCRYPTION_KEYS"] ??
      await keptEncryptionKey("key_encryption_key"),
  };
  const demo = superuser === undefined
    ? undefined
    : await seedDemo({ databaseUrl, addresses, events });
  return { env, demo };
}
