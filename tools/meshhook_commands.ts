import { meshhookSettings } from "@mainstay/meshhook";
import {
  ADMIN_THREAD,
  BACKUPS,
  FILES,
  type ServiceCommand,
} from "./service_commands.ts";

const MIGRATIONS = "services/meshhook/storage/migrations";
/** What a worker starts a thread and a process from. */
const STARTED = ["domain", "executor", "worker"].map((folder) =>
  `services/meshhook/${folder}`
);

/** MeshHook's server and its worker, with the permissions of their tasks and images. */
export const MESHHOOK_COMMANDS: readonly ServiceCommand[] = [
  {
    target: "meshhook",
    name: "meshhook",
    main: "services/meshhook/main.ts",
    settings: meshhookSettings,
    read: [ADMIN_THREAD, MIGRATIONS, ...FILES, ...BACKUPS],
    write: BACKUPS,
    database: true,
  },
  {
    target: "meshhook-worker",
    name: "meshhook-worker",
    main: "services/meshhook/orchestrator/main.ts",
    settings: meshhookSettings,
    read: [ADMIN_THREAD, MIGRATIONS, ...STARTED, ...FILES],
    database: true,
    startsDeno: true,
  },
];
