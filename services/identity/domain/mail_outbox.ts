import type { KeyEncryption } from "@mainstay/kernel/encryption";

/** What encrypted mail opens for. */
export const MAIL_USE = "mail";

/** A mail in plain text. Whoever reads it may open an account with it. */
export interface Mail {
  readonly recipient: string;
  readonly subject: string;
  readonly bodyEncrypted: Uint8Array;
}

/** A mail that is kept. */
export interface KeptMail extends Omit<Mail, "bodyEncrypted"> {
  readonly id: string;
  /** None once it was sent. */
  readonly bodyEncrypted?: Uint8Array;
  readonly createdAt: Date;
  readonly attempts: number;
  readonly sentAt?: Date;
}

/** Keeps mail until it is sent; where nothing sends it, it can be read here. */
export interface MailOutbox {
  add(mail: Mail, expiresAt: Date): Promise<void>;
  /** The newest first, sent or not. */
  list(page: { readonly limit: number }): Promise<readonly KeptMail[]>;
  /**
   * Takes mails that are due, for this process alone until `busyUntil`: a mail
   * whose sender dies is sent by another.
   */
  takeDue(limit: number, busyUntil: Date): Promise<readonly KeptMail[]>;
  /** Its text is forgotten: a link in it is for the recipient alone. */
  sent(id: string): Promise<void>;
  failed(id: string, nextAttemptAt: Date): Promise<void>;
}

/** Encrypts the text of a mail, for its outbox. */
export function encryptMailBody(
  body: string,
  encryption: KeyEncryption,
): Uint8Array {
  return encryption.encrypt(new TextEncoder().encode(body), MAIL_USE);
}

/**
 * Reads the text of a mail: empty once it was sent.
 *
 * @throws {KeyEncryptionFailure} If its key is missing.
 */
export function mailBodyOf(
  { bodyEncrypted }: Pick<KeptMail, "bodyEncrypted">,
  encryption: KeyEncryption,
): string {
  return bodyEncrypted === undefined ? "" : new TextDecoder().decode(
    encryption.decrypt(bodyEncrypted, MAIL_USE),
  );
}
