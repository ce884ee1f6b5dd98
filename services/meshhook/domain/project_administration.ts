/** How much a project may do at once, and how long its runs are kept. */
export interface ProjectSettings {
  /** Steps in hand at most, of all workers together. */
  readonly maxConcurrency: number;
  /** Of those, calls of one host. */
  readonly maxHostConcurrency: number;
  /** Webhooks that a server takes: 0 is no limit, null the servers' setting. */
  readonly webhooksPerMinute: number | null;
  /** How long runs are kept after their end. */
  readonly runsDays: number;
}

/** A project, as operators see it. */
export interface Project {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
  /** Names of those that are good. */
  readonly keys: readonly string[];
  readonly settings: ProjectSettings;
}

/** A key of a project, without what it is. */
export interface ProjectKey {
  readonly name: string;
  readonly createdAt: Date;
}

/** A secret as it is kept, with what it is encrypted for. */
export interface KeptSecret {
  readonly projectId: string;
  readonly name: string;
  readonly encrypted: Uint8Array;
}

/** What operators do to projects, on the database itself; each change is on record. */
export interface ProjectAdministration {
  /** In the order of their ids. */
  list(): Promise<readonly Project[]>;
  find(projectId: string): Promise<Project | undefined>;
  /**
   * Changes what is given, for servers and workers that run as well.
   *
   * @returns False if there is no such project, or it has ended.
   */
  set(change: {
    readonly projectId: string;
    readonly settings: Partial<ProjectSettings>;
    readonly actor: string;
  }): Promise<boolean>;
  /** @returns Undefined if there is no such project. */
  listKeys(projectId: string): Promise<readonly ProjectKey[] | undefined>;
  createKey(key: {
    readonly projectId: string;
    readonly name: string;
    readonly keyHash: Uint8Array;
    readonly actor: string;
  }): Promise<"created" | "name-taken" | "no-project">;
  /** @returns False if there is no such key. */
  revokeKey(key: {
    readonly projectId: string;
    readonly name: string;
    readonly actor: string;
  }): Promise<boolean>;
  /**
   * Encrypts every secret anew that is under another key, each by itself: one
   * that was changed meanwhile stays as it was changed.
   *
   * @returns How many were.
   */
  encryptAnew(options: {
    readonly currentKeyId: string;
    readonly encrypt: (secret: KeptSecret) => Uint8Array;
  }): Promise<number>;
  /**
   * Ends a project: nothing of it is reached or done any more, and its rows are
   * removed by and by.
   *
   * @returns False if there is none, or it has ended.
   */
  erase(projectId: string, actor: string): Promise<boolean>;
}
