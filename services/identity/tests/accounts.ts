import { ok } from "node:assert/strict";
import { createPasswordHasher } from "@mainstay/adapters/passwords";
import type { User } from "../domain/user.ts";
import { newTotpSecret, totpCode } from "../domain/totp.ts";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import { type KeptMail, mailBodyOf } from "../domain/mail_outbox.ts";
import { TOTP_USE } from "../domain/second_factor.ts";
import { Browser, type ShownPage } from "./browser.ts";
import type { StartedIdentity } from "./start_identity.ts";
import { parametersWith } from "./browser_trip.ts";

/** What every account of the tests has. */
export const PASSWORD = "four blue horses ate it";

let hashed: Promise<string> | undefined;

/** The hash of {@link PASSWORD}: one for all tests of a file. */
async function passwordHash(): Promise<string> {
  const hasher = createPasswordHasher({ threads: 1 });
  try {
    return await hasher.hash(PASSWORD);
  } finally {
    hasher.close();
  }
}

/** Makes an account with {@link PASSWORD}. */
export async function addUser(
  { storage }: Pick<StartedIdentity, "storage">,
  username = "ann",
  more: { readonly email?: string; readonly name?: string } = {},
): Promise<User> {
  return await storage.users.create({
    username,
    passwordHash: await (hashed ??= passwordHash()),
    ...more,
    ...(more.email === undefined ? {} : { emailVerified: true }),
  });
}

/** Gives a user an authenticator app; returns what shows its codes. */
export async function addTotp(
  { storage, config }: Pick<StartedIdentity, "storage" | "config">,
  userId: string,
): Promise<(stepsFromNow?: number) => string> {
  const secret = newTotpSecret();
  const encryption = createKeyEncryption(config.keyEncryptionKeys);
  await storage.totp.add(userId, encryption.encrypt(secret, TOTP_USE), 1);
  return (stepsFromNow = 0) =>
    totpCode(secret, Math.floor(Date.now() / 30_000) + stepsFromNow);
}

/** The newest mail, with its text. */
export async function newestMail(
  { storage, config }: Pick<StartedIdentity, "storage" | "config">,
): Promise<Pick<KeptMail, "id" | "recipient" | "subject"> & { body: string }> {
  const [mail] = await storage.mail.list({ limit: 1 });
  ok(mail, "There is no mail");
  const encryption = createKeyEncryption(config.keyEncryptionKeys);
  return { ...mail, body: mailBodyOf(mail, encryption) };
}

/** Where a client's sign-in begins. */
export function authorizeUrl(
  { urls }: Pick<StartedIdentity, "urls">,
  changes: Readonly<Record<string, string | undefined>> = {},
): string {
  return `${urls.authz}/oauth2/v1/authorize?${parametersWith(changes)}`;
}

/** Types username and password into a sign-in page. */
export function typePassword(
  browser: Browser,
  page: ShownPage,
  username = "ann",
  password = PASSWORD,
): Promise<ShownPage> {
  return browser.submit(page, { username, password, action: "password" }, {
    action: "/oidc/v1/login",
  });
}

/** A browser that is signed in to the account. */
export async function signedInBrowser(
  { urls }: Pick<StartedIdentity, "urls">,
  username = "ann",
): Promise<{ readonly browser: Browser; readonly account: ShownPage }> {
  const browser = new Browser();
  const page = await browser.open(`${urls.idp}/account`);
  const account = await typePassword(browser, page, username);
  return { browser, account };
}
