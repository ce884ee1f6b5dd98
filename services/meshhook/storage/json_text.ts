/**
 * JSON as PostgreSQL's jsonb takes it: it holds no NUL and no half of a surrogate
 * pair, which become U+FFFD, as a decoder makes of what is no text.
 */
export function jsonText(value: unknown): string {
  // A backslash before it may be one that is escaped itself.
  return JSON.stringify(value).replaceAll(
    /\\\\|\\u0000|\\ud[89a-f][0-9a-f]{2}/g,
    (found) => found.startsWith("\\u") ? "\\ufffd" : found,
  );
}
