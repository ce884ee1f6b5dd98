import { ok, rejects, strictEqual } from "node:assert/strict";
import { BackupFailure, type BackupFailureCode } from "../backup_failure.ts";

/** Expects a {@link BackupFailure}. */
export function failsAsBackup(
  promise: Promise<unknown>,
  code: BackupFailureCode,
  message: RegExp,
): Promise<void> {
  return rejects(promise, (error) => {
    ok(error instanceof BackupFailure, String(error));
    strictEqual(error.code, code);
    ok(message.test(error.message), error.message);
    return true;
  });
}
