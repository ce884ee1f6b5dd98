/** What a link that is sent by mail is for. */
export type LinkPurpose = "verify-email" | "reset-password";

/** A link that proves that someone reads an address. */
export interface MailLink {
  readonly purpose: LinkPurpose;
  readonly userId: string;
  /** Where it was sent. */
  readonly email: string;
  readonly expiresAt: Date;
}

/** Keeps links until they are used. */
export interface LinkStore {
  add(link: MailLink, hash: Uint8Array): Promise<void>;
  /** One that has been neither used nor replaced and has not expired. */
  find(purpose: LinkPurpose, hash: Uint8Array): Promise<MailLink | undefined>;
  /** Uses it, and voids the others of its purpose and user. Of many at once, one gets it. */
  use(purpose: LinkPurpose, hash: Uint8Array): Promise<MailLink | undefined>;
}
