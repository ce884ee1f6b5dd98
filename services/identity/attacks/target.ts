/** What an endpoint has answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined where the answer is no JSON object. */
  // deno-lint-ignore no-explicit-any -- each attack knows what it asked for
  readonly body: any;
}

/** A client that attacks are tried with. */
export interface TargetClient {
  readonly id: string;
  /** Its first redirect URI. */
  readonly redirectUri: string;
  /** The fields that show who it is; fresh ones at each call. */
  credentials(): Promise<Readonly<Record<string, string>>>;
}

/** A client that signs assertions. */
export interface SigningClient extends TargetClient {
  sign(changes?: Readonly<Record<string, unknown>>, options?: {
    readonly header?: Readonly<Record<string, unknown>>;
    /** Default: the client's own. */
    readonly key?: CryptoKey | Uint8Array;
  }): Promise<Readonly<Record<string, string>>>;
  readonly publicJwk: Readonly<Record<string, unknown>>;
}

/** A browser's visit: where it was sent, with which cookie. */
export interface Visit extends Answer {
  readonly location: URL | undefined;
  readonly cookie: string | undefined;
}

/** Changes to parameters; `undefined` takes one away. */
export type Changes = Readonly<Record<string, string | undefined>>;

/** A running authorization server, with clients and a user to try things with. */
export interface Target {
  readonly issuer: string;
  /** The resource server that its tokens are for. */
  readonly rsUrl: string;
  /** Confidential; may use every grant. */
  readonly web: TargetClient;
  /** The same, someone else's. */
  readonly other: TargetClient;
  /** Public, on the user's machine: its redirect URI is on loopback. */
  readonly native: TargetClient;
  /** Known by its assertions. */
  readonly signer: SigningClient;
  /** Known by Basic, with an id that has to be encoded. */
  readonly encoded: { readonly id: string; readonly secret: string };
  /** Asks an endpoint below `/oauth2/v1/`. */
  post(
    endpoint: string,
    body: Readonly<Record<string, string>> | URLSearchParams,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** Comes to the authorization endpoint as a browser does. */
  visit(parameters: URLSearchParams, cookie?: string): Promise<Visit>;
  /** The user agrees: what the browser then carries back. */
  approve(login: Visit): Promise<URLSearchParams>;
  /** The user agrees on another screen. */
  approveDevice(userCode: string): Promise<void>;
  /** The user signs out; whatever comes next is of another session. */
  signOut(): Promise<void>;
  /** The user sets a new password; the same. */
  changePassword(): Promise<void>;
  /** Makes codes that are out expire. */
  expireCodes(): Promise<void>;
  /** Lets the time pass in which a lost answer to a refresh is repeated. */
  passGrace(): Promise<void>;
}
