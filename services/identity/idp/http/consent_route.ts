import { parseForm } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import type { Idp } from "./idp.ts";
import { consentPage } from "./pages/consent_page.ts";
import { PATHS } from "./paths.ts";
import {
  approve,
  decide,
  follow,
  formTargets,
  openClientTrip,
  stepOf,
} from "./trip.ts";

/** Asks whether a client may have what it asks for, and remembers a yes. */
export function consentRoutes(idp: Idp): readonly Route[] {
  return [
    {
      method: "GET",
      path: PATHS.consent,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        const query = parseForm(context.url.search);
        const trip = await openClientTrip(idp, query.get("login_challenge"));
        const step = await stepOf(idp, visit, trip);
        const { user } = visit.signedIn ?? {};
        if (step.kind !== "consent" || user === undefined) {
          return await follow(idp, visit, trip, step);
        }
        const { redirectUri, scopes } = trip.request.parameters;
        const { host, protocol } = new URL(redirectUri);
        return visit.page(
          consentPage({
            csrf: visit.csrf,
            challenge: trip.challenge,
            clientName: trip.client.name,
            destination: protocol.startsWith("http")
              ? host
              : protocol.slice(0, -1),
            username: user.username,
            scopes,
          }),
          { formTargets: formTargets(idp, trip) },
        );
      },
    },
    {
      method: "POST",
      path: PATHS.consent,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        const form = await visit.form();
        const trip = await openClientTrip(idp, form.get("login_challenge"));
        // Nobody says yes who would not be asked: the session may have ended.
        const step = await stepOf(idp, visit, trip);
        const { user } = visit.signedIn ?? {};
        if (step.kind !== "consent" || user === undefined) {
          return await follow(idp, visit, trip, step);
        }
        const { client, request: { parameters } } = trip;
        const details = { client: client.id, scopes: parameters.scopes };
        if (form.get("decision") !== "allow") {
          await idp.events.changed(visit, {
            action: "consent.denied",
            userId: user.id,
            details,
          });
          return await decide(idp, visit, trip, { refused: "access_denied" });
        }
        await idp.events.change(
          visit,
          {
            action: "consent.granted",
            userId: user.id,
            details,
          },
          ({ consents }) =>
            consents.grant(user.id, client.id, parameters.scopes),
        );
        return await approve(idp, visit, trip);
      },
    },
  ];
}
