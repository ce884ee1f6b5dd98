/** A mail in plain text. */
export interface Mail {
  readonly recipient: string;
  readonly subject: string;
  readonly body: string;
}

/** A mail that is kept. */
export interface KeptMail extends Mail {
  readonly id: string;
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
