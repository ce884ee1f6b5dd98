import { takeAttempt } from "./attempt_guard.ts";
import type { AttemptStore } from "./attempt_store.ts";
import type { RecoveryCodeStore, TotpStore } from "./credential_stores.ts";
import type { KeyEncryption } from "@mainstay/kernel/encryption";
import { hashRecoveryCode } from "./recovery_code.ts";
import { totpStepOf } from "./totp.ts";

/** What encrypted authenticator secrets open for. */
export const TOTP_USE = "totp-secret";

/** Which code is shown. */
export type SecondFactorKind = "totp" | "recovery";

/** One attempt at a code. */
export interface CodeAttempt {
  readonly userId: string;
  readonly kind: SecondFactorKind;
  readonly code: string;
  /** The mark of a browser that has signed in to the account before. */
  readonly device: string | undefined;
}

/** Checks codes; see {@link createSecondFactor}. */
export interface SecondFactor {
  /** Whether a code is asked for after the password. */
  isSetUp(userId: string): Promise<boolean>;
  /**
   * Uses a code up, if it is right.
   *
   * @throws {TooManyAttempts}
   */
  use(attempt: CodeAttempt): Promise<boolean>;
}

/**
 * Creates the check of codes: each is good once, also when it is sent twice at
 * the same time. Failures are counted as those of passwords are.
 */
export function createSecondFactor(
  { totp, recoveryCodes, attempts, encryption, now }: {
    readonly totp: TotpStore;
    readonly recoveryCodes: RecoveryCodeStore;
    readonly attempts: AttemptStore;
    readonly encryption: KeyEncryption;
    readonly now: () => number;
  },
): SecondFactor {
  async function useTotp(userId: string, code: string): Promise<boolean> {
    const credential = await totp.find(userId);
    if (credential === undefined) return false;
    const secret = encryption.decrypt(credential.secretEncrypted, TOTP_USE);
    const step = totpStepOf(secret, code, now());
    return step !== undefined && await totp.useStep(userId, step);
  }

  const isSetUp = async (userId: string) =>
    await totp.find(userId) !== undefined;

  return {
    isSetUp,
    async use({ userId, kind, code, device }) {
      const of = `${userId} ${device ?? "any other browser"}`;
      const attempt = await takeAttempt(attempts, [
        { kind: "secondFactor", of },
      ]);
      const right = await isSetUp(userId) &&
        (kind === "totp"
          ? await useTotp(userId, code)
          : await recoveryCodes.use(userId, hashRecoveryCode(code)));
      if (right) await attempt.succeeded();
      return right;
    },
  };
}
