import {
  auditBody,
  type AuditHead,
  type AuditVerdict,
  verifyAuditChain,
} from "@mainstay/identity";
import { type CommandGroup, defineCommand } from "../command.ts";
import { UsageError } from "../usage_error.ts";
import { openAdministration } from "./administration.ts";
import { limitOf, PAGE_OPTIONS } from "./paging.ts";

const only = (field: string, value: string) => ({
  type: "string",
  value,
  description: `Only entries with this ${field}`,
} as const);

const list = defineCommand({
  name: "list",
  summary: "List what has happened, the newest first",
  help:
    `Lists entries of the audit log, the newest first. Who and what are written with
their kind: user:<id>, client:<id>, operator:<name>, key:<kid>, system.`,
  examples: [
    "mainstay identity audit list --subject client:app --limit 20",
    "mainstay identity audit list --action user.signed_in --json",
  ],
  options: {
    ...PAGE_OPTIONS,
    actor: only("actor", "<who>"),
    subject: only("subject", "<what>"),
    action: only("action", "<action>"),
  },
  async run({ options }, io) {
    const limit = limitOf(options);
    const { after, actor, subject, action } = options;
    if (after !== undefined && !/^\d{1,15}$/.test(after)) {
      throw new UsageError("--after needs the number of an entry");
    }
    await using admin = await openAdministration();
    const entries = await admin.storage.audit.list({
      limit,
      ...(after === undefined ? {} : { before: Number(after) }),
      ...(actor === undefined ? {} : { actor }),
      ...(subject === undefined ? {} : { subject }),
      ...(action === undefined ? {} : { action }),
    });
    const full = entries.length === limit;
    const next = full ? String(entries.at(-1)?.seq) : null;
    io.emit({ entries: entries.map(auditBody), next });
    if (entries.length === 0) io.print("There are no entries");
    for (const { seq, at, action, actor, subject, details } of entries) {
      const facts = JSON.stringify(details);
      io.print(
        `${seq}  ${at.toISOString()}  ${action}  by ${actor}  ${
          subject ?? "-"
        }  ${facts === "{}" ? "" : facts}`.trimEnd(),
      );
    }
    if (next !== null) io.print(`More: --after ${next}`);
  },
});

const REASONS: Readonly<
  Record<Extract<AuditVerdict, { intact: false }>["reason"], string>
> = {
  changed: "it is not what was written",
  unlinked: "it does not follow the one before: some were removed or swapped",
  missing: "it is not there",
  added: "it was written beside the chain",
  replaced: "it is another one than the head that is known",
};

const verify = defineCommand({
  name: "verify",
  summary: "Check every entry against the seal of the next",
  help:
    `Walks the audit log from its first entry, a page in memory at a time, and finds
what was changed, removed, swapped, cut off or added, and by whatever means:
it names the first entry that does not hold, and exits with 1.

It prints the head, "<number>:<hash>". Whoever can write to the database could
write a whole new log with a head that fits; keep heads elsewhere from time to
time and give them back with --head, and that is found as well. What happened
after the last head that is kept elsewhere, such a person could still rewrite.`,
  examples: [
    "mainstay identity audit verify",
    "mainstay identity audit verify --head 1042:9f86d081884c7d65…",
  ],
  options: {
    head: {
      type: "string",
      value: "<number>:<hash>",
      multiple: true,
      description: "A head that was printed before; may be repeated",
    },
  },
  async run({ options }, io) {
    const known = options.head.map(parseHead);
    await using admin = await openAdministration();
    const { audit } = admin.storage;
    const head = await audit.head();
    const verdict = await verifyAuditChain(audit.walk(head.seq), head, known);
    const text = `${head.seq}:${head.hash.toHex()}`;
    io.emit({ ...verdict, head: text });
    if (verdict.intact) {
      io.print(`All ${verdict.entries} entries hold`);
      io.print(`Head:  ${text}`);
      return 0;
    }
    io.note(`Entry ${verdict.seq} does not hold: ${REASONS[verdict.reason]}`);
    return 1;
  },
});

function parseHead(text: string): AuditHead {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq === undefined || hash === undefined) {
    throw new UsageError(
      "--head needs what verify printed: <number>:<64 hex digits>",
    );
  }
  return { seq: Number(seq), hash: Uint8Array.fromHex(hash) };
}

/** `mainstay identity audit …`. */
export const auditCommands: CommandGroup = {
  name: "audit",
  summary: "List and verify what has happened",
  help:
    `Every sign-in, change and refusal that matters is an entry of the audit log, which
is only ever added to: each entry is sealed by the next.`,
  commands: [list, verify],
};
