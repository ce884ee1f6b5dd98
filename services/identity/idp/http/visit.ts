/**
 * One request of one browser: who it is, and what its answer sets.
 *
 * @module
 */
import {
  Forbidden,
  type Form,
  type Html,
  type PageOptions,
  pageResponse,
  readForm,
  seeOther,
} from "@mainstay/adapters/http";
import type { RequestContext } from "@mainstay/kernel/lifecycle";
import {
  equalHashes,
  hashSecret,
  newSecret,
} from "../../domain/bearer_secret.ts";
import type { KeyEncryption } from "@mainstay/kernel/encryption";
import type { SignedIn } from "../../domain/session.ts";
import type { SessionStore } from "../../domain/session_store.ts";
import { DEVICE_MS, type IdpCookies } from "./cookies.ts";
import { createSealed, type Sealed } from "./sealed.ts";
import { PATHS } from "./paths.ts";

/** How far a sign-in has come, in this browser. */
export interface TripProgress {
  /** What it leads to: a login challenge, or a page. */
  readonly target: string;
  /** The password was right; a code is missing. */
  readonly passwordOf?: {
    readonly userId: string;
    /** When the password was set: with another one, it counts no more. */
    readonly setAtMs: number;
  };
  /** The session was begun, or chosen, on this trip. */
  readonly sessionId?: string;
}

/** A browser's marks, by account. */
type DeviceMarks = Readonly<Record<string, string>>;

/** What visits are opened with. */
export interface VisitsOptions {
  readonly idpUrl: string;
  readonly cookies: IdpCookies;
  readonly sessions: SessionStore;
  readonly encryption: KeyEncryption;
  readonly now: () => number;
}

/** Opens a visit; see {@link Visit}. */
export type OpenVisit = (
  request: Request,
  context: RequestContext,
) => Promise<Visit>;

const SECRET = /^[A-Za-z0-9_-]{43}$/;
/** A trip of more than an hour is another one. */
const TRIP_MS = 3_600_000;
const MAX_MARKS = 8;

/** Creates what reads the browsers' cookies. */
export function createVisits(options: VisitsOptions): OpenVisit {
  const { cookies, sessions, encryption, now } = options;
  const origin = new URL(options.idpUrl).origin;
  const trips = createSealed<TripProgress>("trip", encryption, now);
  const marks = createSealed<DeviceMarks>("device", encryption, now);

  return async (request, context) => {
    const secret = cookies.session.read(request);
    const signedIn = secret !== undefined && SECRET.test(secret)
      ? await sessions.find(hashSecret(secret))
      : undefined;
    return new Visit(request, context, {
      origin,
      cookies,
      trips,
      marks,
      signedIn,
    });
  };
}

interface VisitState {
  readonly origin: string;
  readonly cookies: IdpCookies;
  readonly trips: Sealed<TripProgress>;
  readonly marks: Sealed<DeviceMarks>;
  signedIn: SignedIn | undefined;
}

/** See {@link createVisits}. */
export class Visit {
  readonly request: Request;
  readonly context: RequestContext;
  readonly #state: VisitState;
  readonly #browser: string;
  #progress: TripProgress | undefined;
  readonly #setCookies = new Map<string, string>();

  constructor(request: Request, context: RequestContext, state: VisitState) {
    this.request = request;
    this.context = context;
    this.#state = state;
    const { browser } = state.cookies;
    const known = browser.read(request);
    this.#browser = known !== undefined && SECRET.test(known)
      ? known
      : newSecret();
    if (known !== this.#browser) {
      this.#set(browser.name, browser.write(this.#browser));
    }
  }

  get signedIn(): SignedIn | undefined {
    return this.#state.signedIn;
  }

  get userAgent(): string | undefined {
    return this.request.headers.get("user-agent")?.slice(0, 400);
  }

  /** What a form of this browser carries. */
  get csrf(): string {
    return hashSecret(`csrf ${this.#browser}`).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
  }

  /** How far the sign-in for a target has come. */
  progress(target: string): TripProgress {
    const { cookies, trips } = this.#state;
    const found = this.#progress ??
      trips.tryOpen(cookies.trip.read(this.request));
    return found?.target === target ? found : { target };
  }

  setProgress(progress: TripProgress): void {
    this.#progress = progress;
    const { trip } = this.#state.cookies;
    const sealed = this.#state.trips.seal(progress, TRIP_MS);
    this.#set(trip.name, trip.write(sealed));
  }

  clearProgress(): void {
    const { trip } = this.#state.cookies;
    this.#set(trip.name, trip.clear());
  }

  /** What this browser is known by to an account that has signed in with it. */
  deviceOf(userId: string): string | undefined {
    const { cookies, marks } = this.#state;
    return marks.tryOpen(cookies.device.read(this.request))?.[userId];
  }

  /** Lets the account know this browser from now on. */
  markDevice(userId: string): void {
    const { cookies, marks } = this.#state;
    const known = marks.tryOpen(cookies.device.read(this.request)) ?? {};
    const mark = known[userId] ?? newSecret();
    const { [userId]: _, ...others } = known;
    const kept = Object.entries(others).slice(1 - MAX_MARKS);
    const sealed = marks.seal(
      Object.fromEntries([...kept, [userId, mark]]),
      DEVICE_MS,
    );
    this.#set(cookies.device.name, cookies.device.write(sealed));
  }

  signIn(signedIn: SignedIn, sessionSecret: string): void {
    const { session } = this.#state.cookies;
    this.#state.signedIn = signedIn;
    this.#set(session.name, session.write(sessionSecret));
  }

  signOut(): void {
    const { session } = this.#state.cookies;
    this.#state.signedIn = undefined;
    this.#set(session.name, session.clear());
  }

  setCookie(name: string, setCookie: string): void {
    this.#set(name, setCookie);
  }

  /**
   * Reads a form that this service made for this browser.
   *
   * @throws {Forbidden} If it comes from elsewhere.
   */
  async form(): Promise<Form> {
    const { headers } = this.request;
    const site = headers.get("sec-fetch-site");
    const origin = headers.get("origin");
    const foreign = (site !== null && site !== "same-origin") ||
      (origin !== null && origin !== this.#state.origin);
    const form = await readForm(this.request, this.context);
    const given = hashSecret(form.get("csrf") ?? "");
    if (foreign || !equalHashes(given, hashSecret(this.csrf))) {
      throw new Forbidden(
        "Cannot take the form: it was not made for this browser, or cookies are off",
      );
    }
    return form;
  }

  page(page: Html, options: Omit<PageOptions, "cookies"> = {}): Response {
    return pageResponse(page, { ...options, cookies: this.cookies });
  }

  goTo(location: string): Response {
    return seeOther(location, this.cookies);
  }

  /** Sends to the sign-in, and from there back here. */
  signInFirst(returnTo: string): Response {
    const query = new URLSearchParams({ return: returnTo });
    return this.goTo(`${PATHS.login}?${query}`);
  }

  /** The `Set-Cookie` values of its answer. */
  get cookies(): readonly string[] {
    return [...this.#setCookies.values()];
  }

  #set(name: string, setCookie: string): void {
    this.#setCookies.set(name, setCookie);
  }
}
