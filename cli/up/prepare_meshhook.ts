import type { LocalStack } from "@mainstay/tools/local_stack";
import { UsageError } from "../usage_error.ts";
import { type MeshhookDemo, seedMeshhookDemo } from "./meshhook_demo.ts";
import {
  keptEncryptionKey,
  preparePrivateDatabase,
} from "./private_database.ts";
import type { Place, UpService } from "./up_services.ts";

/** What `up` has made for MeshHook. */
export interface PreparedMeshhook {
  /** Variables of its own. */
  readonly env: Readonly<Record<string, string>>;
  /** Not in a database of someone else's. */
  readonly demo: MeshhookDemo | undefined;
}

/** Makes the database, key and demo of MeshHook, each unless it is there. */
export async function prepareMeshhook(
  places: ReadonlyMap<string, Place>,
  { given, stack, hasIssuer }: {
    readonly given: Readonly<Record<string, string>>;
    readonly stack: LocalStack;
    /** Whether the identity servers run beside it, and their tokens are good. */
    readonly hasIssuer: boolean;
  },
): Promise<PreparedMeshhook> {
  const port = places.get("meshhook")?.servicePort ?? 8084;
  const superuser = stack.env["DATABASE_URL"];
  const own = given["MESHHOOK_DATABASE_URL"];
  const isPrivate = superuser !== undefined && own === undefined;
  const env = {
    EVENTS_URL: given["EVENTS_URL"] ??
      `http://localhost:${places.get("events")?.servicePort ?? 8000}`,
    MESHHOOK_KEK: given["MESHHOOK_KEK"] ??
      await keptEncryptionKey("meshhook_kek"),
    MESHHOOK_DATABASE_URL: isPrivate
      ? await preparePrivateDatabase(superuser, {
        name: "meshhook",
        makesRoles: true,
      })
      : own ?? given["DATABASE_URL"]!,
    // Tokens for the events service are not for this one.
    ...(hasIssuer && given["MESHHOOK_AUTH_AUDIENCE"] === undefined
      ? { MESHHOOK_AUTH_AUDIENCE: `http://localhost:${port}` }
      : {}),
  };
  if (!isPrivate) return { env, demo: undefined };
  const demo = await seedMeshhookDemo({ env, port });
  const targets = [
    given["MESHHOOK_TARGETS"] ?? given["TARGETS"],
    `127.0.0.1:${port}`,
  ];
  return {
    env: {
      ...env,
      MESHHOOK_TARGETS: targets.filter(Boolean).join(),
      MAINSTAY_MESHHOOK_URL: `http://localhost:${port}`,
      MAINSTAY_MESHHOOK_PROJECT: demo.project,
      MAINSTAY_MESHHOOK_KEY: demo.apiKey,
    },
    demo,
  };
}

/**
 * Both systems number their migrations: one database cannot be of both.
 *
 * @throws {UsageError}
 */
export function requireOwnDatabase(
  services: readonly UpService[],
  given: Readonly<Record<string, string>>,
): void {
  const runs = (name: UpService["system"]) =>
    services.some(({ system }) => system === name);
  if (!runs("identity") || !runs("meshhook")) return;
  const { DATABASE_URL, MESHHOOK_DATABASE_URL } = given;
  if (DATABASE_URL === undefined || MESHHOOK_DATABASE_URL !== undefined) return;
  throw new UsageError(
    "DATABASE_URL is the identity servers' database: set MESHHOOK_DATABASE_URL to one for MeshHook as well, or name the services to run",
  );
}
