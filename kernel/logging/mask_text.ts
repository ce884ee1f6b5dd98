import { isSecretKey, MASK } from "./mask_key.ts";

/** What a text must hold for any rule below to apply: most hold none of it. */
const SUSPECT =
  /[@=]|["']\s{0,9}:|eyJ|[2-6]\d{12}|\d{4}[ -]\d{4,6}[ -]\d|bearer|basic|authorization|cookie|api[-_ ]?key|x-[a-z-]{0,32}(?:key|token|signature)|pass(?:word|wd|phrase)|secret/i;

/** `Bearer …` in a sentence about bearer tokens names no token. */
const PROSE =
  /^(?:tokens?|auth|authentication|authorization|scheme|credentials?|is|was|of|and|or|not|in|for|must)[.:]?$/i;

const BEARER = /\b(bearer)(\s+|%20)([\w.~+/=-]+)/gi;
const BASIC = /\b(basic)(\s+|%20)([A-Za-z0-9+/_-]{4,}={0,2})/gi;
const JWT = /eyJ[\w-]{6,}(?:\.[\w-]*)+|eyJ[\w-]{20,}/g;
/** What may be credentials: up to the last `@`, for a password may hold one. */
const URL_CREDENTIALS = /:\/\/(?!\/)((?:(?!:\/\/)[^\s"<>]){1,1024})@/g;
const EMAIL =
  /[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24}/gu;
/** `key=value`, as in query strings, cookies and connection strings. */
const ASSIGNED =
  /([\w.[\]%-]{1,64})(\s?=\s?)("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s&"'<>]+)/g;
/** `"key":"value"`: JSON that was put into a string, perhaps twice. */
const QUOTED =
  /(\\?["'])([\w.-]{1,64})\1(\s*:\s*)(\\?"(?:[^"\\]|\\[^"])*\\?"?|'[^']*'?|[\w.+-]+)/g;
/** `Authorization: …`, `password: …`: headers and messages, without quotes. */
const HEADER =
  /\b((?:proxy-)?authorization|(?:set-)?cookie|x-[a-z-]{0,32}(?:key|token|secret|signature)|api[-_ ]key|pass(?:word|wd|phrase)|secret)(\s*:\s*)([^\n\r]+)/gi;

/**
 * Masks what looks like a secret in a text, whatever it is called: bearer and
 * basic credentials, JWTs, credentials in URLs and query strings, assignments
 * to secret names, card numbers, and e-mail addresses.
 *
 * Every rule runs in time linear in the text. Stream ids such as
 * `1751153213653-0`, timestamps and other long numbers stay whole.
 */
export function maskText(text: string): string {
  if (!SUSPECT.test(text)) return text;
  let masked = text;
  if (/bearer|basic/i.test(masked)) {
    masked = masked
      .replace(
        BEARER,
        (all, scheme, space, token) =>
          PROSE.test(token) ? all : scheme + space + MASK,
      )
      .replace(
        BASIC,
        (all, scheme, space, token) =>
          isUserAndPassword(token) ? scheme + space + MASK : all,
      );
  }
  masked = masked.replace(JWT, MASK);
  if (masked.includes("@")) {
    masked = masked.replace(
      URL_CREDENTIALS,
      (all, before) => isUserInfo(before) ? `://${MASK}@` : all,
    ).replace(EMAIL, MASK);
  }
  if (masked.includes(":")) {
    masked = masked.replace(HEADER, `$1$2${MASK}`).replace(
      QUOTED,
      (all, quote, key, colon, value) =>
        isSecretKey(key) ? quote + key + quote + colon + quoted(value) : all,
    );
  }
  if (masked.includes("=")) {
    masked = masked.replace(
      ASSIGNED,
      (all, key, equals, value) =>
        isSecretKey(key) && !/^[=>]/.test(value)
          ? key + equals + quoted(value)
          : all,
    );
  }
  return maskCards(masked);
}

/** The mask, in the quotes that the value had. */
function quoted(value: string): string {
  const quote = /^\\?["']/.exec(value)?.[0] ?? "";
  return quote + MASK + quote;
}

/**
 * Whether what stands before an `@` is credentials and not a host and a path:
 * it has no `/`, or a `:` before it (an unescaped password may hold a `/`).
 */
function isUserInfo(before: string): boolean {
  const head = before.split(/[/?#]/, 1)[0] ?? "";
  return head.length === before.length || /[:@]/.test(head);
}

/** RFC 7617: base64 of `user:password`. */
function isUserAndPassword(token: string): boolean {
  try {
    return atob(token.replaceAll("-", "+").replaceAll("_", "/")).includes(":");
  } catch {
    return false;
  }
}

/** Digits as they are written on cards: together, in fours, or 4-6-5 and 4-6-4. */
const CARD =
  /(?<!\d|\d[.-])(?:\d{13,19}|\d{4}([ -])(?:\d{4}\1\d{4}\1\d{1,7}|\d{6}\1\d{4,5}))(?!\d|[.-]\d)/g;
/** Visa, Mastercard, American Express, Diners, Discover, JCB, UnionPay, Maestro. */
const ISSUER =
  /^(?:4|5[0-8]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|095|[689])|6(?:011|4[4-9]|5|2|[37])|35(?:2[89]|[3-8]))/;

function maskCards(text: string): string {
  if (!/\d{4}[\d -]{9}/.test(text)) return text;
  return text.replace(CARD, (digits) => isCardNumber(digits) ? MASK : digits);
}

/** Whether digits, perhaps grouped, have an issuer's prefix and a right check digit (Luhn). */
export function isCardNumber(text: string): boolean {
  const digits = text.replace(/[ -]/g, "");
  if (digits.length < 13 || digits.length > 19) return false;
  if (!ISSUER.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
