import {
  endedSessions,
  newUser,
  sessionPage,
  user,
  userChange,
  userPage,
} from "@mainstay/contracts/identity_admin";
import type { Route } from "@mainstay/kernel/lifecycle";
import type { SessionStore } from "../../../domain/session_store.ts";
import type { UserAdministration } from "../../../domain/user_administration.ts";
import type { UserStore } from "../../../domain/user_store.ts";
import { sessionBody, userBody } from "../../../http/admin_bodies.ts";
import {
  type adminRoutesOf,
  PAGE,
  pageOf,
  pageParameters,
} from "./admin_route.ts";

/** Accounts and their sessions: list, make, show, change, end. */
export function adminUserRoutes(
  route: ReturnType<typeof adminRoutesOf>,
  { users, sessions, administration }: {
    readonly users: Pick<UserStore, "find" | "list">;
    readonly sessions: Pick<SessionStore, "list" | "page">;
    readonly administration: UserAdministration;
  },
): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "users",
      summary: "Lists accounts, in the order of their usernames",
      query: pageParameters,
      answer: userPage,
      async handle({ query: { limit = PAGE, ...from } }) {
        const found = await users.list({ ...from, limit: limit + 1 });
        const { items, next } = pageOf(found, limit, (one) => one.username);
        return { users: items.map(userBody), next };
      },
    }),
    route({
      method: "POST",
      path: "users",
      summary: "Makes an account",
      body: newUser,
      answer: user,
      status: 201,
      async handle({ body, actor }) {
        return userBody(await administration.create(body, actor));
      },
    }),
    route({
      method: "GET",
      path: "users/:id",
      summary: "Shows an account",
      answer: user,
      async handle({ id }) {
        const found = await users.find(id);
        return found && userBody(found);
      },
    }),
    route({
      method: "PATCH",
      path: "users/:id",
      summary: "Changes an account",
      description: "A new password, or disabling it, ends its sessions.",
      body: userChange,
      answer: user,
      async handle({ id, body, actor }) {
        const changed = await administration.update(id, body, actor);
        return changed && userBody(changed);
      },
    }),
    route({
      method: "GET",
      path: "users/:id/sessions",
      summary: "Lists the sessions of an account that go on",
      answer: sessionPage,
      async handle({ id }) {
        if (await users.find(id) === undefined) return undefined;
        const found = await sessions.list(id);
        return { sessions: found.map(sessionBody), next: null };
      },
    }),
    route({
      method: "DELETE",
      path: "users/:id/sessions",
      summary: "Ends all sessions of an account",
      answer: endedSessions,
      async handle({ id, actor }) {
        if (await users.find(id) === undefined) return undefined;
        return { ended: await administration.endSessions(id, actor) };
      },
    }),
    route({
      method: "GET",
      path: "sessions",
      summary: "Lists the sessions that go on, the newest first",
      query: pageParameters,
      answer: sessionPage,
      async handle({ query: { limit = PAGE, ...from } }) {
        const found = await sessions.page({ ...from, limit: limit + 1 });
        const { items, next } = pageOf(found, limit, ({ id }) => id);
        return { sessions: items.map(sessionBody), next };
      },
    }),
    route({
      method: "DELETE",
      path: "sessions/:id",
      summary: "Ends a session",
      answer: endedSessions,
      async handle({ id, actor }) {
        const ended = await administration.endSession(id, actor);
        return ended ? { ended: 1 } : undefined;
      },
    }),
  ];
}
