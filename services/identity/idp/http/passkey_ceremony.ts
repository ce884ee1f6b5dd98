/**
 * Passkeys (WebAuthn): what is asked of browsers, and whether their answers
 * hold.
 *
 * @module
 */
import {
  type AuthenticationResponseJSON,
  type AuthenticatorTransport,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server";
import { newSecret } from "../../domain/bearer_secret.ts";
import type { Passkey, PasskeyStore } from "../../domain/credential_stores.ts";
import type { KeyEncryption } from "@mainstay/kernel/encryption";
import type { ReplayGuard } from "../../domain/replay_guard.ts";
import type { User } from "../../domain/user.ts";
import type { IdpCookies } from "./cookies.ts";
import { createSealed } from "./sealed.ts";
import type { Visit } from "./visit.ts";

/** What ceremonies are held with. */
export interface PasskeyCeremonyOptions {
  readonly idpUrl: string;
  readonly passkeys: PasskeyStore;
  readonly replays: ReplayGuard;
  readonly encryption: KeyEncryption;
  readonly cookies: IdpCookies;
  readonly now: () => number;
}

/** A challenge that a browser has been given, and what for. */
interface Challenge {
  readonly challenge: string;
  /** Of whom a passkey is made; none: someone signs in. */
  readonly userId?: string;
}

/** A passkey that can be kept. */
export type NewPasskey = Parameters<PasskeyStore["add"]>[0];

/** Makes and uses passkeys. */
export interface PasskeyCeremony {
  creationOptions(visit: Visit, user: User): Promise<unknown>;
  /** @returns What is to be kept, or why it was refused, for the log. */
  create(
    visit: Visit,
    user: User,
    made: { readonly response: string; readonly name: string },
  ): Promise<{ readonly passkey: NewPasskey } | { readonly refused: string }>;
  signInOptions(visit: Visit): Promise<unknown>;
  /** @returns Whose passkey it is, or why it was refused, for the log. */
  signIn(
    visit: Visit,
    response: string,
  ): Promise<{ readonly userId: string } | { readonly refused: string }>;
}

const CEREMONY_MS = 300_000;

/**
 * Creates the ceremonies of one site.
 *
 * A challenge is for one browser and one ceremony. Origin and site are those of
 * the identity provider and no other; the user must have been verified by the
 * device, and a signature counter must have risen.
 */
export function createPasskeyCeremony(
  options: PasskeyCeremonyOptions,
): PasskeyCeremony {
  const { passkeys, replays, cookies, now } = options;
  const { origin, hostname: rpID } = new URL(options.idpUrl);
  const sealed = createSealed<Challenge>("passkey", options.encryption, now);

  function remember(visit: Visit, challenge: Challenge): void {
    const { name, write } = cookies.passkey;
    visit.setCookie(name, write(sealed.seal(challenge, CEREMONY_MS)));
  }

  async function challengeOf(
    visit: Visit,
    userId?: string,
  ): Promise<string | undefined> {
    const { passkey } = cookies;
    const given = sealed.tryOpen(passkey.read(visit.request));
    visit.setCookie(passkey.name, passkey.clear());
    if (given === undefined || given.userId !== userId) return undefined;
    const { challenge } = given;
    const first = await replays.firstUse(
      `passkey ${challenge}`,
      new Date(now() + 2 * CEREMONY_MS),
    );
    return first ? challenge : undefined;
  }

  const expected = { expectedOrigin: origin, expectedRPID: rpID };
  return {
    async creationOptions(visit, user) {
      const present = await passkeys.list(user.id);
      const made = await generateRegistrationOptions({
        rpName: "Mainstay",
        rpID,
        challenge: newSecret(),
        userID: new TextEncoder().encode(user.id),
        userName: user.username,
        userDisplayName: user.name ?? user.username,
        attestationType: "none",
        authenticatorSelection: {
          residentKey: "required",
          userVerification: "required",
        },
        excludeCredentials: present.map(({ credentialId, transports }) => ({
          id: credentialId,
          transports: [...transports] as AuthenticatorTransport[],
        })),
      });
      remember(visit, { challenge: made.challenge, userId: user.id });
      return made;
    },
    async create(visit, user, { response, name }) {
      const challenge = await challengeOf(visit, user.id);
      if (challenge === undefined) return { refused: "no challenge" };
      try {
        const { verified, registrationInfo } = await verifyRegistrationResponse(
          {
            ...expected,
            response: JSON.parse(response) as RegistrationResponseJSON,
            expectedChallenge: challenge,
            requireUserVerification: true,
          },
        );
        if (!verified || registrationInfo === undefined) {
          return { refused: "not verified" };
        }
        const { credential } = registrationInfo;
        const passkey = {
          credentialId: credential.id,
          userId: user.id,
          publicKey: Uint8Array.from(credential.publicKey),
          counter: credential.counter,
          transports: credential.transports ?? [],
          name,
        };
        return { passkey };
      } catch (failure) {
        return { refused: reasonOf(failure) };
      }
    },
    async signInOptions(visit) {
      const made = await generateAuthenticationOptions({
        rpID,
        challenge: newSecret(),
        userVerification: "required",
      });
      remember(visit, { challenge: made.challenge });
      return made;
    },
    async signIn(visit, text) {
      const challenge = await challengeOf(visit);
      if (challenge === undefined) return { refused: "no challenge" };
      try {
        const response = JSON.parse(text) as AuthenticationResponseJSON;
        const passkey = await passkeys.find(String(response.id));
        if (passkey === undefined) return { refused: "unknown passkey" };
        const newCounter = await verify(passkey, response, challenge);
        const { credentialId, userId } = passkey;
        return await passkeys.use(credentialId, newCounter)
          ? { userId }
          : { refused: "the counter has not risen" };
      } catch (failure) {
        return { refused: reasonOf(failure) };
      }
    },
  };

  async function verify(
    { credentialId, publicKey, counter }: Passkey,
    response: AuthenticationResponseJSON,
    expectedChallenge: string,
  ): Promise<number> {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse(
      {
        ...expected,
        response,
        expectedChallenge,
        credential: { id: credentialId, publicKey, counter },
        requireUserVerification: true,
      },
    );
    if (!verified) throw new Error("the signature is wrong");
    return authenticationInfo.newCounter;
  }
}

function reasonOf(failure: unknown): string {
  if (!(failure instanceof Error)) throw failure;
  // What the database refuses is not the browser's fault.
  if ("retryable" in failure || "severity" in failure) throw failure;
  return failure.message.slice(0, 200);
}
