/**
 * Mails with a link in them.
 *
 * @module
 */
import { hashSecret, newSecret } from "../../domain/bearer_secret.ts";
import type { LinkPurpose } from "../../domain/link_store.ts";
import { encryptMailBody, type MailOutbox } from "../../domain/mail_outbox.ts";
import type { User } from "../../domain/user.ts";
import type { Idp } from "./idp.ts";
import { PATHS } from "./paths.ts";
import type { Visit } from "./visit.ts";

const HOUR_MS = 3_600_000;
/** Reset links open an account; the others only name an address. */
const LIFETIMES_MS: Readonly<Record<LinkPurpose, number>> = {
  "reset-password": HOUR_MS,
  "verify-email": 24 * HOUR_MS,
};

/** Sends the link that confirms an address. */
export async function sendVerification(
  idp: Idp,
  visit: Visit,
  to: { readonly user: User; readonly email: string },
): Promise<void> {
  const link = await addLink(idp, "verify-email", to, PATHS.verifyEmail);
  await write(idp, idp.storage.mail, {
    recipient: to.email,
    subject: "Confirm your e-mail address",
    body: `Hello ${to.user.username},

open this link to confirm that this is your address:

${link}

It works for 24 hours. If you have not asked for it, do nothing: the address
is not used then.
`,
    lifetimeMs: LIFETIMES_MS["verify-email"],
  });
  await idp.events.changed(visit, {
    action: "user.email_verification_sent",
    userId: to.user.id,
  });
}

/** Tells a confirmed address that another has taken its place. */
export async function sendAddressChanged(
  idp: Idp,
  mail: MailOutbox,
  { user, former }: { readonly user: User; readonly former: string },
): Promise<void> {
  await write(idp, mail, {
    recipient: former,
    subject: "Your e-mail address was changed",
    body: `Hello ${user.username},

your account has another e-mail address now, and this one is not used any more.

If that was not you, write to whoever runs this service at once.
`,
    lifetimeMs: LIFETIMES_MS["verify-email"],
  });
}

/** Sends the link that sets a new password. */
export async function sendPasswordReset(
  idp: Idp,
  to: { readonly user: User; readonly email: string },
): Promise<void> {
  const link = await addLink(idp, "reset-password", to, PATHS.newPassword);
  await write(idp, idp.storage.mail, {
    recipient: to.email,
    subject: "Set a new password",
    body: `Hello ${to.user.username},

open this link to set a new password for your account:

${link}

It works once, within an hour. If you have not asked for it, do nothing: your
password stays as it is.
`,
    lifetimeMs: LIFETIMES_MS["reset-password"],
  });
}

/** Tells the owner of an account that its password is another one now. */
export async function sendPasswordChanged(idp: Idp, user: User): Promise<void> {
  if (user.email === undefined || user.emailVerifiedAt === undefined) return;
  await write(idp, idp.storage.mail, {
    recipient: user.email,
    subject: "Your password was changed",
    body: `Hello ${user.username},

the password of your account was changed just now. If that was you, there is
nothing to do. If it was not, set a new one at once:

${new URL(PATHS.resetPassword, idp.config.idpUrl)}
`,
    lifetimeMs: LIFETIMES_MS["verify-email"],
  });
}

async function addLink(
  idp: Idp,
  purpose: LinkPurpose,
  { user, email }: { readonly user: User; readonly email: string },
  path: string,
): Promise<string> {
  const token = newSecret();
  await idp.storage.links.add(
    {
      purpose,
      userId: user.id,
      email,
      expiresAt: new Date(idp.now() + LIFETIMES_MS[purpose]),
    },
    hashSecret(token),
  );
  return `${idp.config.idpUrl}${path}?token=${token}`;
}

async function write(
  { encryption, now }: Idp,
  outbox: MailOutbox,
  { body, lifetimeMs, ...mail }: {
    readonly recipient: string;
    readonly subject: string;
    readonly body: string;
    readonly lifetimeMs: number;
  },
): Promise<void> {
  await outbox.add(
    { ...mail, bodyEncrypted: encryptMailBody(body, encryption) },
    new Date(now() + lifetimeMs),
  );
}
