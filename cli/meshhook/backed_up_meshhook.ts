import { readConfig } from "@mainstay/kernel/config";
import { meshhookSettings } from "@mainstay/meshhook";
import { meshhookBackupSource } from "@mainstay/meshhook/storage";
import type { BackedUpService } from "../backed_up_service.ts";
import { openMeshhook } from "./open_meshhook.ts";

/** MeshHook, as backups are of it. */
export const backedUpMeshhook: BackedUpService = {
  source: meshhookBackupSource,
  open: () => openMeshhook(),
  keysVariable: "MESHHOOK_KEK",
  keysAtHand(env) {
    const { meshhookKek } = meshhookSettings;
    const config = readConfig({
      meshhookKek: { ...meshhookKek, optional: true as const },
    }, { args: [], env });
    return config.meshhookKek ?? [];
  },
  lostWithKeys: "WITHOUT IT THE SECRETS OF ALL PROJECTS ARE LOST.",
};
