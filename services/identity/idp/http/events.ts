import type { Metrics } from "@mainstay/kernel/metrics";
import type { AuditLog } from "../../domain/audit_log.ts";
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
  /** Anything else that a user did to the account. */
  changed(
    visit: Visit,
    change: {
      readonly action: string;
      readonly userId: string;
      readonly details?: Readonly<Record<string, unknown>>;
    },
  ): Promise<void>;
}

/** Creates what tells of accounts. */
export function createIdpEvents(
  { metrics, audit }: {
    readonly metrics: Metrics;
    readonly audit: AuditLog;
  },
): IdpEvents {
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
    async changed(visit, { action, userId, details }) {
      await audit.append({
        action,
        actor: `user:${userId}`,
        details: { ...details, ...where(visit) },
      });
    },
  };
}
