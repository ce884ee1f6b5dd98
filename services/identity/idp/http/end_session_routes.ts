import {
  type Form,
  parseForm,
  readForm,
  seeOther,
} from "@mainstay/adapters/http";
import { InvalidInput } from "@mainstay/kernel/errors";
import type { Route } from "@mainstay/kernel/lifecycle";
import type { Client } from "../../domain/client.ts";
import {
  type IdTokenHint,
  tryReadIdTokenHint,
} from "../../domain/id_token_hint.ts";
import type { Idp } from "./idp.ts";
import { logoutPage } from "./pages/logout_page.ts";
import { messagePage } from "./pages/message_page.ts";
import { PATHS } from "./paths.ts";
import { formTarget, publicKeys } from "./trip.ts";
import type { Visit } from "./visit.ts";
import type { SignedIn } from "../../domain/session.ts";

const PARAMETERS = [
  "id_token_hint",
  "client_id",
  "post_logout_redirect_uri",
  "state",
] as const;

/** What a client asks for, checked. */
interface LogoutRequest {
  readonly hint?: IdTokenHint | undefined;
  readonly client?: Client | undefined;
  /** Registered by the client, with `state`. */
  readonly goOnTo?: string | undefined;
}

/**
 * Signing out: of one's own accord, or because a client asks (OpenID Connect
 * RP-Initiated Logout 1.0).
 *
 * A client that shows the ID token of this very session is believed. Whoever
 * else sends a browser here, a page asks first: anyone can make a link.
 */
export function endSessionRoutes(idp: Idp): readonly Route[] {
  return [
    {
      method: "GET",
      path: PATHS.endSession,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        return await begin(idp, visit, parseForm(context.url.search));
      },
    },
    {
      method: "POST",
      path: PATHS.endSession,
      async handle(request, context) {
        const form = await readForm(request, context);
        const visit = await idp.openVisit(request, context);
        if (form.get("action") !== undefined) return await confirm(idp, visit);
        // Sent here by another site's form, a browser keeps the session's
        // cookie to itself; to a link it brings it along.
        const query = new URLSearchParams();
        for (const name of PARAMETERS) {
          const value = form.get(name);
          if (value !== undefined) query.set(name, value);
        }
        return seeOther(`${PATHS.endSession}?${query}`);
      },
    },
    {
      method: "GET",
      path: PATHS.logout,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        return ask(visit, {});
      },
    },
    {
      method: "POST",
      path: PATHS.logout,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        return await confirm(idp, visit);
      },
    },
  ];
}

async function begin(idp: Idp, visit: Visit, form: Form): Promise<Response> {
  const asked = await readRequest(idp, form);
  const { signedIn } = visit;
  if (signedIn === undefined) return goOn(visit, asked);
  if (asked.hint?.sessionId === signedIn.session.id) {
    return await end(idp, visit, signedIn, asked);
  }
  return ask(visit, asked, form);
}

function ask(visit: Visit, asked: LogoutRequest, form?: Form): Response {
  const { signedIn } = visit;
  if (signedIn === undefined) return goOn(visit, asked);
  const kept = asked.goOnTo === undefined || form === undefined ? {} : {
    client_id: asked.client?.id,
    post_logout_redirect_uri: form.get("post_logout_redirect_uri"),
    state: form.get("state"),
  };
  return visit.page(
    logoutPage({
      csrf: visit.csrf,
      username: signedIn.user.username,
      clientName: asked.client?.name,
      parameters: kept,
    }),
    {
      formTargets: asked.goOnTo === undefined ? [] : [formTarget(asked.goOnTo)],
    },
  );
}

/** The answer to {@link ask}: a form of this browser. */
async function confirm(idp: Idp, visit: Visit): Promise<Response> {
  const form = await visit.form();
  const asked = await readRequest(idp, form);
  const { signedIn } = visit;
  return signedIn === undefined
    ? goOn(visit, asked)
    : await end(idp, visit, signedIn, asked);
}

async function end(
  idp: Idp,
  visit: Visit,
  { session, user }: SignedIn,
  asked: LogoutRequest,
): Promise<Response> {
  await idp.events.change(visit, {
    action: "user.signed_out",
    userId: user.id,
    details: {
      session: session.id,
      ...(asked.client === undefined ? {} : { client: asked.client.id }),
    },
  }, ({ sessions }) => sessions.end(user.id, session.id));
  visit.signOut();
  return goOn(visit, asked);
}

function goOn(visit: Visit, { goOnTo }: LogoutRequest): Response {
  if (goOnTo !== undefined) return visit.goTo(goOnTo);
  return visit.page(
    messagePage({
      title: "You are signed out",
      text: "You can close this page.",
      next: { href: PATHS.login, label: "Sign in again" },
    }),
  );
}

/**
 * @throws {InvalidInput} If the address to go on to is not one that the client
 *   has registered, letter by letter: then nobody is sent anywhere.
 */
async function readRequest(idp: Idp, form: Form): Promise<LogoutRequest> {
  const token = form.get("id_token_hint");
  const hint = token === undefined ? undefined : await tryReadIdTokenHint(
    token,
    { issuer: idp.config.issuer, jwks: await publicKeys(idp) },
  );
  const clientId = form.get("client_id");
  if (hint && clientId !== undefined && clientId !== hint.clientId) {
    throw new InvalidInput([
      { pointer: "client_id", detail: "is not whom the id_token_hint is for" },
    ]);
  }
  const id = hint?.clientId ?? clientId;
  const found = id === undefined
    ? undefined
    : await idp.storage.clients.find(id);
  // A disabled one sends nobody anywhere, and is nobody's application.
  const client = found?.disabledAt === undefined ? found : undefined;
  const uri = form.get("post_logout_redirect_uri");
  if (uri === undefined) return { hint, client };
  if (!client?.postLogoutRedirectUris.includes(uri)) {
    throw new InvalidInput([{
      pointer: "post_logout_redirect_uri",
      detail: "is not registered for this client, or no client is named",
    }], "Cannot sign out: the address to go on to is not the application's");
  }
  const state = form.get("state");
  if (state === undefined) return { hint, client, goOnTo: uri };
  const goOnTo = new URL(uri);
  goOnTo.searchParams.set("state", state);
  return { hint, client, goOnTo: goOnTo.href };
}
