/**
 * JSON as PostgreSQL's jsonb takes it: it holds no NUL, which becomes U+FFFD, as
 * a decoder makes of what is no text.
 */
export function jsonText(value: unknown): string {
  // A backslash before it may be one that is escaped itself.
  return JSON.stringify(value).replaceAll(
    /\\\\|\\u0000/g,
    (found) => found === "\\u0000" ? "\\ufffd" : found,
  );
}
