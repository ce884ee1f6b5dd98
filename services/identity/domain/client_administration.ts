import { randomUUID } from "node:crypto";
import type { AuditEntry } from "./audit_log.ts";
import type { Client } from "./client.ts";
import { type ClientDescription, newClientOf } from "./client_rules.ts";
import { newClientSecret } from "./client_secret.ts";
import type { IdentityStorage } from "./identity_storage.ts";
import type { KeyEncryption } from "@mainstay/kernel/encryption";

/** What administration works with. */
export interface AdministrationOptions {
  readonly storage: IdentityStorage;
  readonly encryption: KeyEncryption;
  readonly now: () => number;
}

/** A client, with the secret that it was just given. */
export interface ClientWithSecret {
  readonly client: Client;
  /** Shown this once; none: it was given none. */
  readonly secret?: string;
}

/** What changes of a client: what is not named stays; null takes away. */
export type ClientChange =
  & {
    readonly [Field in keyof Omit<ClientDescription, "id">]?:
      | ClientDescription[Field]
      | undefined;
  }
  & { readonly disabled?: boolean | undefined };

/** A secret that was just made. */
export interface RotatedSecret {
  readonly secret: string;
  readonly previousExpireAt: Date;
}

/** What operators do with clients; each change is in the audit log, with it or not at all. */
export interface ClientAdministration {
  /**
   * @throws {InvalidInput} Naming every mistake.
   * @throws {ClientExists}
   */
  create(
    description: ClientDescription,
    actor: string,
  ): Promise<ClientWithSecret>;
  /**
   * Changes a client. Disabling it revokes all that it was given. One that is to
   * prove itself by a secret, and has none that would do, is given one.
   *
   * @returns Undefined if there is no such client.
   * @throws {InvalidInput} Naming every mistake that the whole would have.
   */
  update(
    id: string,
    change: ClientChange,
    actor: string,
  ): Promise<ClientWithSecret | undefined>;
  /**
   * Makes a new secret; those before are good for `overlapMs` more.
   *
   * @returns Undefined if there is no client with secrets of this id.
   */
  rotateSecret(
    id: string,
    overlapMs: number,
    actor: string,
  ): Promise<RotatedSecret | undefined>;
}

/** Creates the administration of clients. */
export function createClientAdministration(
  { storage, encryption, now }: AdministrationOptions,
): ClientAdministration {
  return {
    async create(description, actor) {
      const given = newClientOf(description, randomUUID);
      const made = hasSecret(given)
        ? newClientSecret(given.authMethod, encryption)
        : undefined;
      const client = await storage.atomically(async ({ clients, audit }) => {
        const client = await clients.create(given, made?.record);
        await audit.append({
          action: "client.created",
          actor,
          subject: `client:${client.id}`,
          details: { ...given },
        });
        return client;
      });
      return made === undefined ? { client } : { client, secret: made.secret };
    },
    async update(id, { disabled, ...change }, actor) {
      return await storage.atomically(async ({ clients, audit }) => {
        const before = await clients.hold(id);
        if (before === undefined) return undefined;
        let secret: string | undefined;
        const entries: AuditEntry[] = [];
        const note = (action: string, details = {}) =>
          entries.push({ action, actor, subject: `client:${id}`, details });
        if (Object.values(change).some((value) => value !== undefined)) {
          const given = newClientOf(
            { ...before, ...present(change) },
            () => id,
          );
          await clients.update({ ...given, id });
          note("client.updated", present(change));
          if (needsSecret(before, given)) {
            const made = newClientSecret(given.authMethod, encryption);
            const previousExpireAt = new Date(now());
            await clients.rotateSecret(id, made.record, previousExpireAt);
            note("client.secret_rotated", { previousExpireAt });
            secret = made.secret;
          }
        }
        const wasDisabled = before.disabledAt !== undefined;
        if (disabled !== undefined && disabled !== wasDisabled) {
          await clients.setDisabled(id, disabled);
          note(disabled ? "client.disabled" : "client.enabled");
        }
        const client = await clients.find(id);
        for (const entry of entries) await audit.append(entry);
        return client &&
          (secret === undefined ? { client } : { client, secret });
      });
    },
    async rotateSecret(id, overlapMs, actor) {
      return await storage.atomically(async ({ clients, audit }) => {
        const client = await clients.find(id);
        if (client === undefined || !hasSecret(client)) return undefined;
        const { secret, record } = newClientSecret(
          client.authMethod,
          encryption,
        );
        const previousExpireAt = new Date(now() + overlapMs);
        await clients.rotateSecret(id, record, previousExpireAt);
        await audit.append({
          action: "client.secret_rotated",
          actor,
          subject: `client:${id}`,
          details: { previousExpireAt },
        });
        return { secret, previousExpireAt };
      });
    },
  };
}

type Proof = Pick<Client, "authMethod">;

/** Whether a client is known by a secret of ours. */
export function hasSecret({ authMethod }: Proof): boolean {
  return authMethod.startsWith("client_secret_");
}

/** Whether no secret from before would do: there is none, or only its hash. */
function needsSecret(before: Proof, after: Proof): boolean {
  const jwt = "client_secret_jwt";
  return hasSecret(after) &&
    (!hasSecret(before) ||
      (after.authMethod === jwt && before.authMethod !== jwt));
}

type Present<Fields> = {
  readonly [Field in keyof Fields]?: Exclude<Fields[Field], undefined>;
};

function present<Fields extends object>(fields: Fields): Present<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Present<Fields>;
}
