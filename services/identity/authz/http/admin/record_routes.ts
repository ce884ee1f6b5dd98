import {
  auditPage,
  keyRotation,
  signingKeys,
} from "@mainstay/contracts/identity_admin";
import type { Parameter } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import type { AuditLog } from "../../../domain/audit_log.ts";
import type { KeyAdministration } from "../../../domain/key_administration.ts";
import type { KeyStore } from "../../../domain/key_store.ts";
import { auditBody, keyBodies } from "../../../http/admin_bodies.ts";
import {
  type adminRoutesOf,
  PAGE,
  pageOf,
  pageParameters,
} from "./admin_route.ts";

const word: Parameter<string> = {
  expects: "1 to 200 characters",
  parse: (text) => text.length >= 1 && text.length <= 200 ? text : undefined,
};
const entryNumber: Parameter<number> = {
  expects: "the `next` of an earlier page",
  parse: (text) => /^\d{1,15}$/.test(text) ? Number(text) : undefined,
};

/** Keys, and what has happened. */
export function adminRecordRoutes(
  route: ReturnType<typeof adminRoutesOf>,
  { keys, audit, administration }: {
    readonly keys: Pick<KeyStore, "list">;
    readonly audit: Pick<AuditLog, "list">;
    readonly administration: KeyAdministration;
  },
): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "keys",
      summary: "Lists signing keys, in the order of their turns",
      answer: signingKeys,
      async handle({ now }) {
        return { keys: keyBodies(await keys.list(), now()) };
      },
    }),
    route({
      method: "POST",
      path: "keys/rotate",
      summary: "Makes the next signing keys before their time",
      description:
        "They sign in an hour, when verifiers have them; with `compromised`, at once, and those before are taken back.",
      body: keyRotation,
      answer: signingKeys,
      async handle({ body, actor, now }) {
        const all = await administration.rotate(body, actor);
        return { keys: keyBodies(all, now()) };
      },
    }),
    route({
      method: "GET",
      path: "audit",
      summary: "Lists what has happened, the newest first",
      query: {
        limit: pageParameters.limit,
        after: entryNumber,
        actor: word,
        subject: word,
        action: word,
      },
      answer: auditPage,
      async handle({ query: { limit = PAGE, after, ...only } }) {
        const found = await audit.list({
          ...only,
          limit: limit + 1,
          ...(after === undefined ? {} : { before: after }),
        });
        const { items, next } = pageOf(found, limit, ({ seq }) => `${seq}`);
        return { entries: items.map(auditBody), next };
      },
    }),
  ];
}
