import {
  changedClient,
  client,
  clientChange,
  clientPage,
  createdClient,
  newClient,
  rotatedSecret,
  secretRotation,
} from "@mainstay/contracts/identity_admin";
import type { Route } from "@mainstay/kernel/lifecycle";
import type { ClientAdministration } from "../../../domain/client_administration.ts";
import type { ClientStore } from "../../../domain/client_store.ts";
import { clientBody } from "../../../http/admin_bodies.ts";
import {
  type adminRoutesOf,
  PAGE,
  pageOf,
  pageParameters,
} from "./admin_route.ts";

/** Clients: list, register, show, change, give a new secret. */
export function adminClientRoutes(
  route: ReturnType<typeof adminRoutesOf>,
  { clients, administration }: {
    readonly clients: Pick<ClientStore, "find" | "list">;
    readonly administration: ClientAdministration;
  },
): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "clients",
      summary: "Lists clients, in the order of their ids",
      query: pageParameters,
      answer: clientPage,
      async handle({ query: { limit = PAGE, ...from } }) {
        const found = await clients.list({ ...from, limit: limit + 1 });
        const { items, next } = pageOf(found, limit, ({ id }) => id);
        return { clients: items.map(clientBody), next };
      },
    }),
    route({
      method: "POST",
      path: "clients",
      summary: "Registers a client",
      description: "Its secret is in the answer, this once.",
      body: newClient,
      answer: createdClient,
      status: 201,
      async handle({ body, actor }) {
        const made = await administration.create(body, actor);
        return {
          client: clientBody(made.client),
          secret: made.secret ?? null,
        };
      },
    }),
    route({
      method: "GET",
      path: "clients/:id",
      summary: "Shows a client",
      answer: client,
      async handle({ id }) {
        const found = await clients.find(id);
        return found && clientBody(found);
      },
    }),
    route({
      method: "PATCH",
      path: "clients/:id",
      summary: "Changes a client",
      description:
        "What is not named stays; null takes away. Disabling revokes all that it was given. A client that is to prove itself by a secret, and has none that would do, is given one.",
      body: clientChange,
      answer: changedClient,
      async handle({ id, body, actor }) {
        const changed = await administration.update(id, body, actor);
        if (changed === undefined) return undefined;
        const { secret } = changed;
        return {
          ...clientBody(changed.client),
          ...(secret === undefined ? {} : { secret }),
        };
      },
    }),
    route({
      method: "POST",
      path: "clients/:id/rotate-secret",
      summary: "Gives a client a new secret",
      description: "It is in the answer, this once.",
      body: secretRotation,
      answer: rotatedSecret,
      async handle({ id, body, actor }) {
        const rotated = await administration.rotateSecret(
          id,
          body.overlapSeconds * 1_000,
          actor,
        );
        return rotated && {
          clientId: id,
          secret: rotated.secret,
          previousExpireAt: rotated.previousExpireAt.toISOString(),
        };
      },
    }),
  ];
}
