/**
 * What has to happen next on a trip through sign-in and consent (OpenID Connect
 * Core, 3.1.2).
 *
 * @module
 */
import { type Acr, meetsAcr } from "./authentication.ts";
import type {
  AuthorizationParameters,
  Refusal,
} from "./authorization_request.ts";
import type { Client } from "./client.ts";
import type { Session } from "./session.ts";

/** All that the decision depends on. */
export interface TripState {
  readonly parameters: Pick<
    AuthorizationParameters,
    "scopes" | "prompt" | "maxAgeS" | "acrValues"
  >;
  readonly client: Pick<Client, "firstParty">;
  readonly session?: Session | undefined;
  /** The best that the session's user could sign in with. */
  readonly reachableAcr: Acr;
  /** Whom the id_token_hint names, if it was good. */
  readonly hintedUserId?: string | undefined;
  /** What the user has let the client do before. */
  readonly consented: readonly string[];
  /** The session was begun, or chosen, on this trip. */
  readonly fresh: boolean;
  readonly nowMs: number;
}

/** What comes next. */
export type NextStep =
  | {
    readonly kind: "sign-in";
    /** Someone is signed in, but with fewer factors than the client asks for. */
    readonly tooWeak: boolean;
  }
  /** Someone is signed in, and has to say whether to go on as that. */
  | { readonly kind: "select-account" }
  | { readonly kind: "consent" }
  | { readonly kind: "approve" }
  | { readonly kind: "refuse"; readonly refusal: Refusal };

/** Decides; the same state always leads to the same step. */
export function nextStep(state: TripState): NextStep {
  const { parameters, session, fresh, hintedUserId } = state;
  const { prompt } = parameters;
  const silent = prompt.includes("none");
  const or = (refusal: Refusal, step: NextStep): NextStep =>
    silent ? { kind: "refuse", refusal } : step;
  if (session === undefined) {
    return or("login_required", { kind: "sign-in", tooWeak: false });
  }
  const tooWeak = !meetsAcr(
    session.acr,
    parameters.acrValues,
    state.reachableAcr,
  );
  if (tooWeak || !isRecent(state, session)) {
    return or("login_required", { kind: "sign-in", tooWeak });
  }
  if (hintedUserId !== undefined && session.userId !== hintedUserId) {
    // Whoever has just signed in as someone else does not want to be asked again.
    return fresh
      ? { kind: "refuse", refusal: "login_required" }
      : or("login_required", { kind: "sign-in", tooWeak });
  }
  if (prompt.includes("select_account") && !fresh) {
    return { kind: "select-account" };
  }
  return needsConsent(state)
    ? or("consent_required", { kind: "consent" })
    : { kind: "approve" };
}

function isRecent(state: TripState, session: Session): boolean {
  const { parameters: { prompt, maxAgeS }, fresh, nowMs } = state;
  if (fresh) return true;
  if (prompt.includes("login")) return false;
  return maxAgeS === undefined ||
    nowMs - session.authTime.getTime() <= maxAgeS * 1_000;
}

function needsConsent(
  { parameters: { scopes, prompt }, client, consented }: TripState,
): boolean {
  if (prompt.includes("consent")) return true;
  if (client.firstParty) return false;
  return scopes.some((scope) => !consented.includes(scope));
}
