import { keyBodies } from "@mainstay/identity";
import {
  type CommandGroup,
  type CommandIo,
  defineCommand,
} from "../command.ts";
import { openAdministration } from "./administration.ts";

const list = defineCommand({
  name: "list",
  summary: "List signing keys, and the keys that they are encrypted under",
  help:
    `Lists signing keys: published and not yet in use, signing, retired and still
published, expired. Then how many secrets (signing keys, second factors, client
secrets) each key-encryption key opens: one that opens none can leave
KEY_ENCRYPTION_KEYS.`,
  async run(_input, io) {
    await using admin = await openAdministration();
    const { keys, secrets } = admin.storage;
    const bodies = keyBodies(await keys.list(), Date.now());
    const counts = await secrets.counts();
    io.emit({ keys: bodies, keyEncryptionKeys: Object.fromEntries(counts) });
    print(bodies, io);
    for (const [id, count] of counts) {
      io.print(`key-encryption key ${id}: ${count} secrets`);
    }
  },
});

const rotate = defineCommand({
  name: "rotate",
  summary: "Make the next signing keys before their time",
  help:
    `Makes the next signing keys now. They are published at once and sign in an hour,
when every verifier has them; those before stay published until their last token
is dead. No token becomes bad.

--compromised is for a key that has leaked: the new keys sign at once, and those
before are taken back at once. Tokens that they signed are refused wherever the
signature is verified, as soon as the verifier looks again (5 minutes at most).`,
  options: {
    compromised: {
      type: "boolean",
      description: "A key has leaked: take all of them back at once",
    },
  },
  async run({ options }, io) {
    await using admin = await openAdministration();
    const keys = await admin.keys.rotate(options, admin.actor);
    const bodies = keyBodies(keys, Date.now());
    io.emit({ keys: bodies });
    print(bodies, io);
  },
});

const reencrypt = defineCommand({
  name: "reencrypt",
  summary: "Encrypt everything under the first of KEY_ENCRYPTION_KEYS",
  help:
    `Encrypts every secret that another key of KEY_ENCRYPTION_KEYS opens under the first
one. The authorization server does the same every ten minutes; this is for those
who would not wait. "keys list" tells what is left.`,
  async run(_input, io) {
    await using admin = await openAdministration();
    const reencrypted = await admin.keys.reencrypt(admin.actor);
    io.emit({ reencrypted });
    io.print(`${reencrypted} secrets are under the first key now`);
  },
});

/** `mainstay identity keys …`. */
export const keysCommands: CommandGroup = {
  name: "keys",
  summary: "List and rotate the keys that tokens are signed with",
  help:
    `Signing keys are made, used and retired on schedule (KEY_ROTATION_INTERVAL); none
of this is needed for that.`,
  commands: [list, rotate, reencrypt],
};

function print(
  keys: ReturnType<typeof keyBodies>,
  io: Pick<CommandIo, "print">,
): void {
  if (keys.length === 0) io.print("There are no keys: no server has run yet");
  for (const { kid, alg, state, activeFrom, expiresAt } of keys) {
    const until = expiresAt === null ? "" : ` until ${expiresAt}`;
    io.print(`${kid}  ${alg}  ${state}  from ${activeFrom}${until}`);
  }
}
