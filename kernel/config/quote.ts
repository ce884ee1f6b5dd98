import { isSecretKey } from "../logging/mask_key.ts";

/** Characters that could move, hide or forge what a terminal or a log shows. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** The same text with every control, format and line separating character escaped. */
export function visible(text: string): string {
  return text.toWellFormed().replace(
    UNSEEN,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

/** `text` in quotes on one line, cut after `maxLength` characters, credentials masked. */
export function quote(text: string, maxLength = 80): string {
  const masked = withoutCredentials(text);
  const cut = masked.length > maxLength
    ? `${masked.slice(0, maxLength)}…`
    : masked;
  return visible(JSON.stringify(cut));
}

/**
 * `text` with `***` for the user and password of every URL in it, and for what
 * is assigned to a secret name, as in a query or a connection string. Rather
 * masks too much than too little: everything up to the last `@`, since a
 * password may hold a `/` or a space that should have been encoded.
 */
export function withoutCredentials(text: string): string {
  const assigned = text.replace(
    /([^\s=?&#;]{1,64})=[^\s&#;]+/g,
    (all, name) => isSecretKey(name) ? `${name}=***` : all,
  );
  const begin = assigned.indexOf("://") + 3;
  if (begin < 3) return assigned;
  const end = assigned.lastIndexOf("@");
  if (end >= begin) {
    return `${assigned.slice(0, begin)}***${assigned.slice(end)}`;
  }
  // An `@` that went with an assignment may have ended a password.
  return text.includes("@") ? `${assigned.slice(0, begin)}***` : assigned;
}
