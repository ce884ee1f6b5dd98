import type { User } from "./user.ts";

/** A browser that has signed in at the identity provider. */
export interface Session {
  readonly id: string;
  readonly userId: string;
  readonly authTime: Date;
  readonly acr: string;
  readonly amr: readonly string[];
  readonly userAgent?: string;
  readonly address?: string;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
  readonly expiresAt: Date;
}

/** Someone who is signed in. */
export interface SignedIn {
  readonly session: Session;
  readonly user: User;
}
