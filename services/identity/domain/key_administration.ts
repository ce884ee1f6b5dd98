import type { AuditEntry } from "./audit_log.ts";
import type { AdministrationOptions } from "./client_administration.ts";
import { SIGNING_ALGS } from "./client.ts";
import { isPublished, PUBLISH_AHEAD_MS } from "./key_rotation.ts";
import type { KeyChanges } from "./key_store.ts";
import { createSigningKey, type SigningKeyRecord } from "./signing_key.ts";

/** What operators do with keys; each change is in the audit log, with it or not at all. */
export interface KeyAdministration {
  /**
   * Makes the next keys now, which sign in an hour, when verifiers have them.
   *
   * `compromised`: they sign at once, and those before are taken back at once:
   * every token that they signed and that is verified by its signature is bad
   * from the moment that its verifier looks.
   *
   * @returns All keys.
   */
  rotate(
    options: { readonly compromised: boolean },
    actor: string,
  ): Promise<readonly SigningKeyRecord[]>;
  /** Encrypts everything under the first key-encryption key. @returns How many secrets were not. */
  reencrypt(actor: string): Promise<number>;
}

const BATCH = 200;

/** Creates the administration of keys. */
export function createKeyAdministration(
  { storage, encryption, now }: AdministrationOptions,
): KeyAdministration {
  async function plan(
    present: readonly SigningKeyRecord[],
    compromised: boolean,
  ): Promise<KeyChanges> {
    const moment = new Date(now());
    const current = present.filter((key) => key.retiredAt === undefined);
    const activeFrom = compromised
      ? moment
      : new Date(now() + PUBLISH_AHEAD_MS);
    const wanted = SIGNING_ALGS.filter((alg) =>
      compromised ||
      !current.some((key) => key.alg === alg && key.activeFrom > moment)
    );
    const added = await Promise.all(
      wanted.map((alg) =>
        createSigningKey(alg, { encryption, now: moment, activeFrom })
      ),
    );
    const retired = !compromised ? [] : present
      .filter((key) => isPublished(key, now()))
      .map(({ kid }) => ({ kid, retiredAt: moment, expiresAt: moment }));
    return { added, retired };
  }

  return {
    async rotate({ compromised }, actor) {
      return await storage.atomically(async ({ keys, audit }) => {
        const { changes, present } = await keys.change((present) =>
          plan(present, compromised)
        );
        for (const entry of keyEntries(changes, actor)) {
          await audit.append(entry);
        }
        return present;
      });
    },
    async reencrypt(actor) {
      let total = 0;
      while (true) {
        const count = await storage.secrets.reencrypt(encryption, BATCH);
        if (count === 0) break;
        total += count;
      }
      if (total > 0) {
        await storage.audit.append({
          action: "secrets.reencrypted",
          actor,
          details: { count: total, keyEncryptionKey: encryption.currentId },
        });
      }
      return total;
    },
  };
}

/** What is written down of a change of the keys. */
export function keyEntries(
  { added, retired }: KeyChanges,
  actor: string,
): AuditEntry[] {
  return [
    ...added.map(({ kid, alg, activeFrom }) => ({
      action: "key.created",
      actor,
      subject: `key:${kid}`,
      details: { alg, activeFrom },
    })),
    ...retired.map(({ kid, expiresAt }) => ({
      action: "key.retired",
      actor,
      subject: `key:${kid}`,
      details: { expiresAt },
    })),
  ];
}
