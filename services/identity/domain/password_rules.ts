/**
 * Which passwords are accepted (NIST SP 800-63B): long ones that nobody would
 * try first. No rule asks for digits or signs.
 *
 * @module
 */
import { OperationalError } from "@mainstay/kernel/errors";

const MIN_LENGTH = 12;
/** Longer ones would only make hashing slow. */
const MAX_LENGTH = 256;
const MIN_DISTINCT = 5;

/** What lists of stolen passwords begin with, as far as it is long enough. */
const COMMON = new Set(
  `123456789012 1234567890123 12345678901234 123456789123 1q2w3e4r5t6y
  1qaz2wsx3edc abcdefghijkl abcd12345678 adminadmin12 administrator
  changeme1234 changemenow1 correcthorsebatterystaple football1234
  iloveyou1234 iloveyouforever letmein12345 letmeinplease mypassword123
  p@ssw0rd1234 passw0rd1234 password1234 password12345 password123456
  passwordpassword princess1234 q1w2e3r4t5y6 qazwsxedcrfv qwerty123456
  qwertyuiop123 qwertyuiopas qwertyuiop[] secretsecret sunshine1234
  superman1234 trustno1trustno1 welcome12345 welcome123456`.split(/\s+/),
);

/** A password that is not accepted. The message says what would be. */
export class WeakPassword extends OperationalError<"weak-password"> {
  constructor(state: string) {
    super("weak-password", `Cannot take the password: ${state}`);
  }
}

/**
 * The form in which a password is hashed and compared: the same characters
 * typed on two keyboards may be different code points.
 */
export function normalizePassword(password: string): string {
  return password.normalize("NFKC");
}

/**
 * Checks a new password.
 *
 * @param known What others know of the user: username, name, e-mail address.
 * @throws {WeakPassword}
 */
export function checkPassword(
  password: string,
  known: ReadonlyArray<string | undefined> = [],
): void {
  const characters = [...normalizePassword(password)];
  const plain = characters.join("").toLowerCase();
  if (characters.length < MIN_LENGTH) {
    throw new WeakPassword(`it has less than ${MIN_LENGTH} characters`);
  }
  if (characters.length > MAX_LENGTH) {
    throw new WeakPassword(`it has more than ${MAX_LENGTH} characters`);
  }
  if (new Set(plain).size < MIN_DISTINCT) {
    throw new WeakPassword("it repeats few characters");
  }
  if (COMMON.has(plain) || isSequence(plain)) {
    throw new WeakPassword("it is among the first that are tried");
  }
  const parts = known.flatMap((text) => text?.toLowerCase().split("@") ?? []);
  for (const part of parts) {
    if (part.length < 3 || !plain.includes(part)) continue;
    if (plain.replaceAll(part, "").length < MIN_LENGTH - 4) {
      throw new WeakPassword("it is little more than the name or the address");
    }
  }
}

/** `abcdefghijkl`, `210987654321`: each character next to the one before. */
function isSequence(text: string): boolean {
  const points = [...text].map((character) => character.codePointAt(0)!);
  const steps = points.slice(1).map((point, at) => point - points[at]!);
  return [1, -1].some((step) =>
    steps.filter((it) => it !== step).length <= steps.length / 10
  );
}
