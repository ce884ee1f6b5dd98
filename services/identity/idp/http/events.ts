import type { Metrics } from "@mainstay/kernel/metrics";
import type { AuditLog } from "../../domain/audit_log.ts";
import type {
  IdentityStorage,
  IdentityStores,
} from "../../domain/identity_storage.ts";
import type { Visit } from "./visit.ts";

/** How someone tried to sign in. */
export type SignInMethod = "password" | "totp" | "recovery" | "passkey";

/** What happens to accounts: counted, and kept in the audit log. */
export interface IdpEvents {
  /** Audited whoever it was, so that the time tells nobody. Never with what was typed. */
  signInFailed(
    visit: Visit,
    failure: {
      readonly method: SignInMethod;
      readonly userId?: string | undefined;
      readonly reason: string;
    },
  ): Promise<void>;
  signedIn(
    visit: Visit,
    success: {
      readonly method: SignInMethod;
      readonly userId: string;
      readonly sessionId: string;
      readonly acr: string;
    },
  ): Promise<void>;
  /** Refused before anything was checked. */
  signInBlocked(method: SignInMethod): void;
  /** Anything else that a user did. */
  changed(
    visit: Visit,
    change: AccountChange,
    audit?: AuditLog,
  ): Promise<void>;
  /**
   * Does a change and keeps it in the audit log, both or neither. Work that
   * gives back false has changed nothing, and nothing is kept of it.
   */
  change<Result>(
    visit: Visit,
    change: AccountChange,
    work: (stores: IdentityStores) => Promise<Result>,
  ): Promise<Result>;
}

/** What a user did to the account. */
export interface AccountChange {
  readonly action: string;
  readonly userId: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Creates what tells of accounts. */
export function createIdpEvents(
  { metrics, storage }: {
    readonly metrics: Metrics;
    readonly storage: IdentityStorage;
  },
): IdpEvents {
  const { audit } = storage;
  const signIns = metrics.counter({
    name: "sign_ins_total",
    help: "Attempts to sign in, by method and outcome.",
    labels: ["method", "outcome"],
  });
  const where = ({ context, userAgent }: Visit) => ({
    address: context.clientAddress,
    ...(userAgent === undefined ? {} : { userAgent }),
  });
  return {
    async signInFailed(visit, { method, userId, reason }) {
      signIns.add({ method, outcome: "failed" });
      await audit.append({
        action: "user.sign_in_failed",
        actor: "system",
        ...(userId === undefined ? {} : { subject: `user:${userId}` }),
        details: { method, reason, ...where(visit) },
      });
    },
    async signedIn(visit, { method, userId, sessionId, acr }) {
      signIns.add({ method, outcome: "succeeded" });
      await audit.append({
        action: "user.signed_in",
        actor: `user:${userId}`,
        details: { method, acr, session: sessionId, ...where(visit) },
      });
    },
    signInBlocked: (method) => signIns.add({ method, outcome: "blocked" }),
    changed,
    change: (visit, change, work) =>
      storage.atomically(async (stores) => {
        const result = await work(stores);
        if (result !== false) await changed(visit, change, stores.audit);
        return result;
      }),
  };

  async function changed(
    visit: Visit,
    { action, userId, details }: AccountChange,
    to: AuditLog = audit,
  ): Promise<void> {
    await to.append({
      action,
      actor: `user:${userId}`,
      details: { ...details, ...where(visit) },
    });
  }
}
