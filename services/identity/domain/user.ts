/** Someone who can sign in. */
export interface User {
  readonly id: string;
  /** Lower case: two names that differ in case alone are one. */
  readonly username: string;
  readonly name?: string;
  /** Lower case. No other account has it. */
  readonly email?: string;
  readonly emailVerifiedAt?: Date;
  /** argon2id in the PHC string format; none: signs in with passkeys only. */
  readonly passwordHash?: string;
  readonly passwordChangedAt?: Date;
  /** May be given the scope admin. */
  readonly administrator: boolean;
  readonly disabledAt?: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What an administrator sees of a user at a look. */
export type UserSummary = Pick<
  User,
  "id" | "username" | "email" | "administrator" | "createdAt" | "disabledAt"
>;

/** Tells one password of a user from the next; 0: none was ever set. */
export function passwordSetAt({ passwordChangedAt }: User): number {
  return passwordChangedAt?.getTime() ?? 0;
}

/** What a new account is made of. */
export interface NewUser {
  readonly username: string;
  readonly name?: string;
  readonly email?: string;
  readonly emailVerified?: boolean;
  readonly passwordHash?: string;
  readonly administrator?: boolean;
}
