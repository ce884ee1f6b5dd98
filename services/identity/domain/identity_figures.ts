/** What there is at present. */
export interface IdentityFigures {
  readonly users: number;
  readonly clients: number;
  readonly activeSessions: number;
  readonly activeTokens: number;
  readonly resources: number;
}

/** Counts what there is. */
export interface FigureReader {
  read(): Promise<IdentityFigures>;
}
