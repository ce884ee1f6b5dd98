/**
 * A sign-in on its way: for a client, which waits for the answer, or for a page
 * of this server.
 *
 * @module
 */
import type { Form } from "@mainstay/adapters/http";
import { ACR, type Acr } from "../../domain/authentication.ts";
import type {
  AuthorizationRequest,
  Decision,
} from "../../domain/authorization_request.ts";
import { hashSecret, newSecret } from "../../domain/bearer_secret.ts";
import type { Client } from "../../domain/client.ts";
import { tryReadIdTokenHint } from "../../domain/id_token_hint.ts";
import { type NextStep, nextStep } from "../../domain/next_step.ts";
import { SignInExpired } from "../../domain/sign_in_expired.ts";
import type { Idp } from "./idp.ts";
import { onTrip, type SignInTarget } from "./pages/login_page.ts";
import { PATHS, tryParseReturn } from "./paths.ts";
import type { Visit } from "./visit.ts";

/** A sign-in for a client. */
export interface ClientTrip {
  readonly kind: "client";
  readonly challenge: string;
  readonly request: AuthorizationRequest;
  readonly client: Client;
}

/** A sign-in for a page of this server. */
export interface LocalTrip {
  readonly kind: "local";
  readonly returnTo: string;
}

/** See {@link openTrip}. */
export type Trip = ClientTrip | LocalTrip;

/**
 * Finds the trip that a form or an address is about. Where it names none, or a
 * page that no sign-in leads to, it leads to the account.
 *
 * @throws {SignInExpired} If its client waits no more.
 */
export async function openTrip(idp: Idp, source: Form): Promise<Trip> {
  const challenge = source.get("login_challenge");
  if (challenge !== undefined) return await openClientTrip(idp, challenge);
  const returnTo = tryParseReturn(source.get("return")) ?? PATHS.account;
  return { kind: "local", returnTo };
}

/** @throws {SignInExpired} */
export async function openClientTrip(
  { storage }: Idp,
  challenge: string | undefined,
): Promise<ClientTrip> {
  const request = challenge &&
    await storage.authorizationRequests.find(hashSecret(challenge));
  const client = request && await storage.clients.find(request.clientId);
  if (!challenge || !request || !client || client.disabledAt !== undefined) {
    throw new SignInExpired();
  }
  return { kind: "client", challenge, request, client };
}

/** The trip, for forms and links. */
export function targetOf(trip: Trip): SignInTarget {
  return trip.kind === "client"
    ? { challenge: trip.challenge }
    : { returnTo: trip.returnTo };
}

/** The trip, for the cookie that remembers how far it has come. */
export function progressKey(trip: Trip): string {
  return trip.kind === "client"
    ? `client ${hashSecret(trip.challenge).toHex()}`
    : `page ${trip.returnTo}`;
}

/** What has to happen next, for whoever is signed in now. */
export async function stepOf(
  idp: Idp,
  visit: Visit,
  trip: ClientTrip,
): Promise<NextStep> {
  const { storage, config, now } = idp;
  const { request: { parameters }, client } = trip;
  const { session, user } = visit.signedIn ?? {};
  const hint = parameters.idTokenHint === undefined
    ? undefined
    : await tryReadIdTokenHint(parameters.idTokenHint, {
      issuer: config.issuer,
      jwks: await publicKeys(idp),
    });
  // Not looked up where nothing depends on it: most trips need neither.
  const reachable = user === undefined || parameters.acrValues.length === 0
    ? ACR.oneFactor
    : await reachableAcr(idp, user.id);
  const consent = user === undefined || client.firstParty
    ? undefined
    : await storage.consents.find(user.id, client.id);
  return nextStep({
    parameters,
    client,
    session,
    reachableAcr: reachable,
    hintedUserId: hint?.userId,
    consented: consent?.scopes ?? [],
    fresh: session !== undefined &&
      visit.progress(progressKey(trip)).sessionId === session.id,
    nowMs: now(),
  });
}

/** The best that a user could sign in with; a passkey alone is two factors. */
async function reachableAcr(idp: Idp, userId: string): Promise<Acr> {
  return await idp.secondFactor.isSetUp(userId) ||
      (await idp.storage.passkeys.list(userId)).length > 0
    ? ACR.twoFactors
    : ACR.oneFactor;
}

/** The public keys of the installation, as `jose` takes them. */
export async function publicKeys({ storage }: Idp) {
  const keys = await storage.keys.listPublic();
  return { keys: keys.map((key) => ({ kty: "", ...key })) };
}

/** Goes on with a trip as far as it goes without asking. */
export async function goOn(
  idp: Idp,
  visit: Visit,
  trip: Trip,
): Promise<Response> {
  if (trip.kind === "local") {
    visit.clearProgress();
    return visit.goTo(trip.returnTo);
  }
  return await follow(idp, visit, trip, await stepOf(idp, visit, trip));
}

/** Takes a step: to a page that asks, or back to the client. */
export async function follow(
  idp: Idp,
  visit: Visit,
  trip: ClientTrip,
  step: NextStep,
): Promise<Response> {
  switch (step.kind) {
    case "sign-in":
    case "select-account":
      return visit.goTo(onTrip(PATHS.login, targetOf(trip)));
    case "consent":
      return visit.goTo(onTrip(PATHS.consent, targetOf(trip)));
    case "refuse":
      return await decide(idp, visit, trip, { refused: step.refusal });
    case "approve":
      return await approve(idp, visit, trip);
  }
}

/** Gives the client what it asked for. */
export async function approve(
  idp: Idp,
  visit: Visit,
  trip: ClientTrip,
): Promise<Response> {
  const { session } = visit.signedIn!;
  return await decide(idp, visit, trip, {
    approved: {
      userId: session.userId,
      sessionId: session.id,
      authTime: session.authTime,
      acr: session.acr,
      amr: session.amr,
      scopes: trip.request.parameters.scopes,
    },
  });
}

/**
 * Ends a trip, and sends the browser back to where it began with what shows
 * that it is the same browser.
 *
 * @throws {SignInExpired} If it has ended already.
 */
export async function decide(
  { storage, config }: Idp,
  visit: Visit,
  { challenge }: ClientTrip,
  decision: Decision,
): Promise<Response> {
  const verifier = newSecret();
  const decided = await storage.authorizationRequests.decide({
    challengeHash: hashSecret(challenge),
    verifierHash: hashSecret(verifier),
  }, decision);
  if (!decided) throw new SignInExpired();
  visit.clearProgress();
  const back = new URL("/oauth2/v1/authorize", config.issuer);
  back.searchParams.set("login_challenge", challenge);
  back.searchParams.set("login_verifier", verifier);
  return visit.goTo(back.href);
}

/**
 * Where the browser may end up after a form of a trip: the authorization
 * server, and whatever addresses the client has registered. A callback that
 * sends on to a further origin has to register that as well.
 */
export function formTargets(idp: Idp, trip: Trip): readonly string[] {
  if (trip.kind === "local") return [];
  const { client, request } = trip;
  const uris = [
    request.parameters.redirectUri,
    ...client.redirectUris,
    ...client.postLogoutRedirectUris,
  ];
  return [...new Set([idp.config.issuer, ...uris.map(formTarget)])];
}

/** An address as a content security policy knows it. */
export function formTarget(uri: string): string {
  const { protocol, origin, hostname } = new URL(uri);
  if (protocol !== "http:" && protocol !== "https:") return protocol;
  // Policies know no IPv6 addresses.
  if (hostname.startsWith("[")) return protocol;
  // An app on the user's own machine may listen on any port (RFC 8252, 7.3).
  return hostname === "127.0.0.1" ? `${protocol}//127.0.0.1:*` : origin;
}
