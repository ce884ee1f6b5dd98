/**
 * Who uses the console: sign-in with code and PKCE, renewal by refresh token,
 * sign-out. Tokens are in this page's memory only; they end with it. What the
 * browser keeps for the tab is the state of a trip that is under way, and
 * whether there was a sign-in: then a reload asks for a new one without a page.
 *
 * @module
 */
import type { ConsoleConfigBody } from "@mainstay/contracts/identity";
import {
  ErrorResponse,
  InMemoryWebStorage,
  type User,
  UserManager,
  WebStorageStateStore,
} from "oidc-client-ts";
import { type Readable, writable } from "svelte/store";
import { asFailure, Failure } from "./failure.ts";
import { pageOf, type Path } from "./page_paths.ts";
import {
  isUsable,
  type Lifetime,
  renewInMs,
  retryInMs,
} from "./renewal_plan.ts";

/** What the console may do in its user's name. */
const SCOPE =
  "openid profile email offline_access account read:resource write:resource delete:resource";

/** Where the authorization server sends the browser back to. */
const CALLBACK = "/callback";

/** Kept for the tab: that its user had signed in. No secret. */
const SIGNED_IN_KEY = "mainstay.signed-in";

/** Errors of `prompt=none` that only say: someone must look at a page. */
const NEEDS_PAGE = [
  "login_required",
  "consent_required",
  "interaction_required",
  "account_selection_required",
];

/** Errors that pass by themselves. */
const PASSING = ["temporarily_unavailable", "server_error"];

/** Who uses the console, as far as it knows. */
export type SignInState =
  | { readonly kind: "starting" }
  | { readonly kind: "signed-out"; readonly reason?: string }
  | {
    readonly kind: "signed-in";
    readonly expiresAtMs: number;
    readonly scopes: readonly string[];
    /** Renewal does not work at present, and why. */
    readonly trouble?: string;
  };

/** The user's sign-in. */
export interface SignIn {
  readonly state: Readable<SignInState>;
  /**
   * Ends a trip that comes back, or takes up an earlier sign-in.
   *
   * @returns Where to go; undefined if the browser leaves the page, or nothing
   *   is at its address.
   */
  begin(url: URL): Promise<Path | undefined>;
  /** Leaves for the sign-in page. @throws {Failure} If it cannot be reached. */
  signIn(returnTo: Path): Promise<void>;
  /** Leaves to end the session, and with it all tokens that came of it. @throws {Failure} If that cannot be said. */
  signOut(): Promise<void>;
  /** Forgets the tokens: they are worth nothing any more. */
  forget(reason: string): Promise<void>;
  /**
   * An access token that is good for a request.
   *
   * @param refused One that a server did not take: not given again.
   * @throws {Failure} `ended`, or `unreachable` if it cannot be renewed.
   */
  token(refused?: string): Promise<string>;
  /** Where OpenID Connect says who the user is. */
  userInfoUrl(): Promise<string>;
}

/** Creates the sign-in of this page; touches no network until it is used. */
export function createSignIn(config: ConsoleConfigBody): SignIn {
  const manager = new UserManager({
    authority: config.issuer,
    client_id: config.clientId,
    redirect_uri: new URL(CALLBACK, location.origin).href,
    post_logout_redirect_uri: `${location.origin}/`,
    scope: SCOPE,
    userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
    stateStore: new WebStorageStateStore({ store: sessionStorage }),
    automaticSilentRenew: false,
    monitorSession: false,
    requestTimeoutInSeconds: 15,
  });
  const state = writable<SignInState>({ kind: "starting" });
  let user: User | undefined;
  let renewal: Promise<User> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;

  function take(fresh: User): User {
    user = fresh;
    failures = 0;
    sessionStorage.setItem(SIGNED_IN_KEY, "yes");
    show(fresh);
    renewLater(renewInMs(lifetimeOf(fresh), Date.now()));
    return fresh;
  }

  function show(of: User, trouble?: string): void {
    state.set({
      kind: "signed-in",
      expiresAtMs: lifetimeOf(of).untilMs,
      scopes: of.scopes,
      ...(trouble === undefined ? {} : { trouble }),
    });
  }

  function renewLater(delayMs: number): void {
    clearTimeout(timer);
    // What fails is shown, and tried again: nobody waits for this one.
    timer = setTimeout(() => renew().catch(() => {}), delayMs);
  }

  async function drop(reason?: string): Promise<void> {
    clearTimeout(timer);
    user = undefined;
    sessionStorage.removeItem(SIGNED_IN_KEY);
    await manager.removeUser();
    state.set({
      kind: "signed-out",
      ...(reason === undefined ? {} : { reason }),
    });
  }

  /** One at a time: a refresh token is good for one use. */
  function renew(): Promise<User> {
    return renewal ??= renewOnce().finally(() => renewal = undefined);
  }

  async function renewOnce(): Promise<User> {
    const before = user;
    if (before?.refresh_token === undefined) {
      await drop(ENDED);
      throw new Failure("ended", ENDED);
    }
    try {
      const fresh = await manager.signinSilent();
      if (fresh === null) throw new Error("No answer to the renewal");
      return take(fresh);
    } catch (cause) {
      if (
        cause instanceof ErrorResponse && !PASSING.includes(`${cause.error}`)
      ) {
        await drop(ENDED);
        throw new Failure("ended", ENDED, { cause });
      }
      const trouble =
        "The sign-in server cannot be reached. You stay signed in; the console keeps trying.";
      // Signed out meanwhile: there is nothing to keep.
      if (user === before) {
        show(before, trouble);
        renewLater(retryInMs(++failures));
      }
      throw new Failure("unreachable", trouble, { cause });
    }
  }

  async function leave(returnTo: Path, prompt?: "none"): Promise<void> {
    try {
      await reach(await manager.metadataService.getAuthorizationEndpoint());
      await manager.signinRedirect({
        state: returnTo,
        ...(prompt === undefined ? {} : { prompt }),
      });
    } catch (cause) {
      throw new Failure(
        "unreachable",
        "The sign-in server cannot be reached. Try again in a moment.",
        { cause },
      );
    }
  }

  async function comeBack(url: URL): Promise<Path> {
    await requireIssuer(url);
    const fresh = take(await manager.signinRedirectCallback(url.href));
    return pageOf(String(fresh.state)) ?? "/";
  }

  /** The answer must be from the server that was asked (RFC 9207). */
  async function requireIssuer({ searchParams }: URL): Promise<void> {
    const issuer = await manager.metadataService.getIssuer();
    const named = searchParams.getAll("iss");
    if (named.length !== 1 || named[0] !== issuer) {
      throw new Failure(
        "refused",
        "The sign-in was refused: its answer came from another server than the one that was asked. Sign in again.",
      );
    }
  }

  return {
    state,
    async begin(url) {
      if (url.pathname === CALLBACK) {
        try {
          return await comeBack(url);
        } catch (cause) {
          await drop(reasonOf(cause));
          return returnPathOf(cause);
        }
      }
      const page = pageOf(url.pathname);
      if (page === undefined) {
        // Nothing to sign in for; what was before stays as it is.
        state.set({ kind: "signed-out" });
        return undefined;
      }
      if (sessionStorage.getItem(SIGNED_IN_KEY) === null) {
        await drop();
        return page;
      }
      try {
        await leave(page, "none");
        return undefined;
      } catch (failure) {
        await drop(asFailure(failure).message);
        // The next reload may find the server there.
        sessionStorage.setItem(SIGNED_IN_KEY, "yes");
        return page;
      }
    },
    signIn: (returnTo) => leave(returnTo),
    async signOut() {
      try {
        await reach(await manager.metadataService.getEndSessionEndpoint());
        sessionStorage.removeItem(SIGNED_IN_KEY);
        clearTimeout(timer);
        await manager.signoutRedirect();
      } catch (cause) {
        throw new Failure(
          "unreachable",
          "You are not signed out yet: the sign-in server cannot be reached. Try again, or close this tab: that forgets the sign-in here.",
          { cause },
        );
      }
    },
    forget: drop,
    async token(refused) {
      if (user === undefined) throw new Failure("ended", ENDED);
      const usable = isUsable(lifetimeOf(user), Date.now());
      const { access_token } = usable && user.access_token !== refused
        ? user
        : await renew();
      return access_token;
    },
    userInfoUrl: () => manager.metadataService.getUserInfoEndpoint(),
  };
}

const ENDED = "Your sign-in has ended. Sign in again; what you typed is kept.";

/**
 * Whether someone answers where the browser is about to be sent: what it would
 * show otherwise has no way back.
 *
 * @throws {TypeError} If nobody does.
 */
async function reach(endpoint = ""): Promise<void> {
  await fetch(new URL("/health", endpoint), {
    mode: "no-cors",
    credentials: "omit",
    signal: AbortSignal.timeout(5_000),
  });
}

function lifetimeOf({ expires_at, expires_in, profile }: User): Lifetime {
  const untilMs = (expires_at ?? profile.exp) * 1_000;
  const lengthMs = (expires_in ?? 0) * 1_000;
  return { fromMs: Math.min(Date.now(), untilMs - lengthMs), untilMs };
}

/** Why a trip ended without a sign-in; undefined where nobody asked for one. */
function reasonOf(cause: unknown): string | undefined {
  if (cause instanceof Failure) return cause.message;
  if (cause instanceof ErrorResponse) {
    if (NEEDS_PAGE.includes(`${cause.error}`)) return undefined;
    if (cause.error === "access_denied") {
      return "You are not signed in: the sign-in was cancelled.";
    }
    if (PASSING.includes(`${cause.error}`)) {
      return "The sign-in server is busy. Try again in a moment.";
    }
    return `The sign-in was refused: ${
      cause.error_description ?? cause.error
    }.`;
  }
  if (cause instanceof TypeError) {
    return "The sign-in server cannot be reached. Try again in a moment.";
  }
  return "The sign-in could not be completed: it was begun in another tab, or too long ago. Sign in again.";
}

function returnPathOf(cause: unknown): Path {
  return cause instanceof ErrorResponse
    ? pageOf(String(cause.state)) ?? "/"
    : "/";
}
