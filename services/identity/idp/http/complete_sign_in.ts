import type { Authentication } from "../../domain/authentication.ts";
import { hashSecret, newSecret } from "../../domain/bearer_secret.ts";
import { SignInExpired } from "../../domain/sign_in_expired.ts";
import { passwordSetAt, type User } from "../../domain/user.ts";
import type { SignInMethod } from "./events.ts";
import type { Idp } from "./idp.ts";
import { goOn, progressKey, type Trip } from "./trip.ts";
import type { Visit } from "./visit.ts";

/** A sign-in that has succeeded. */
export interface CompletedSignIn {
  readonly user: User;
  readonly authentication: Authentication;
  readonly method: SignInMethod;
}

/**
 * Begins a session, always under a new secret, and goes on with the trip.
 *
 * The user of this browser's session keeps it, with what came of it; another
 * user's ends.
 */
export async function completeSignIn(
  idp: Idp,
  visit: Visit,
  trip: Trip,
  { user, authentication, method }: CompletedSignIn,
): Promise<Response> {
  const secret = newSecret();
  const nowMs = idp.now();
  const signedIn = {
    ...authentication,
    authTime: new Date(nowMs),
    expiresAt: new Date(nowMs + idp.config.sessionLifetimeMs),
  };
  const before = visit.signedIn?.session;
  const begun = await idp.storage.atomically(async ({ users, sessions }) => {
    // Whoever changes the account waits, and ends this session with the others.
    const current = await users.hold(user.id);
    if (
      current === undefined || current.disabledAt !== undefined ||
      passwordSetAt(current) !== passwordSetAt(user)
    ) throw new SignInExpired();
    const renewed = before?.userId === user.id
      ? await sessions.renew(before.id, signedIn, hashSecret(secret))
      : undefined;
    if (before !== undefined && renewed === undefined) {
      await sessions.end(before.userId, before.id);
    }
    const session = renewed ?? await sessions.create({
      ...signedIn,
      userId: user.id,
      address: visit.context.clientAddress,
      ...(visit.userAgent === undefined ? {} : { userAgent: visit.userAgent }),
    }, hashSecret(secret));
    return { session, user: current };
  });
  const { session } = begun;
  visit.signIn(begun, secret);
  visit.markDevice(user.id);
  const target = progressKey(trip);
  visit.setProgress({ target, sessionId: session.id });
  await idp.events.signedIn(visit, {
    method,
    userId: user.id,
    sessionId: session.id,
    acr: session.acr,
  });
  return await goOn(idp, visit, trip);
}
