/** A user, as an administrator sees one in a list. */
export interface UserSummary {
  readonly id: string;
  readonly username: string;
  readonly email: string | undefined;
  readonly createdAt: Date;
  readonly disabled: boolean;
}

/** What there is at present. */
export interface IdentityFigures {
  readonly users: number;
  readonly clients: number;
  readonly activeSessions: number;
  readonly activeTokens: number;
  readonly resources: number;
}

/** Looks at what there is, changing nothing. */
export interface UserDirectory {
  /** By name, from the one that follows `after` on. */
  list(
    page: { readonly after?: string; readonly limit: number },
  ): Promise<readonly UserSummary[]>;
  figures(): Promise<IdentityFigures>;
}
