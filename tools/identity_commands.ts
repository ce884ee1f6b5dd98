import { type IdentityServer, identitySettings } from "@mainstay/identity";
import {
  ADMIN_THREAD,
  BACKUPS,
  FILES,
  type ServiceCommand,
} from "./service_commands.ts";

/** Where the thread that hashes passwords is. */
const HASHING = "adapters/passwords";
const MIGRATIONS = "services/identity/storage/migrations";

const command = (
  target: IdentityServer,
  changes: Pick<ServiceCommand, "read" | "database"> & Partial<ServiceCommand>,
): ServiceCommand => ({
  target,
  name: target,
  main: `services/identity/${target}/main.ts`,
  settings: identitySettings(target),
  ...changes,
});

/** The identity servers, with the permissions of their tasks and images. */
export const IDENTITY_COMMANDS: readonly ServiceCommand[] = [
  command("authz", {
    read: [ADMIN_THREAD, HASHING, MIGRATIONS, ...FILES, ...BACKUPS],
    write: BACKUPS,
    database: true,
  }),
  command("idp", {
    read: [ADMIN_THREAD, HASHING, MIGRATIONS, ...FILES],
    database: true,
  }),
  command("rs", {
    read: [ADMIN_THREAD, MIGRATIONS, ...FILES],
    database: true,
  }),
  command("spa", {
    name: "spa-rp",
    read: [ADMIN_THREAD, ...FILES, ".mainstay/console"],
    database: false,
  }),
];
