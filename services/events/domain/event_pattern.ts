const PATTERN = /^[A-Za-z0-9._:*-]{1,255}$/;

/** Whether `text` can be a pattern: an event type in which `*` may stand. */
export function isEventPattern(text: string): boolean {
  return PATTERN.test(text);
}

/**
 * Whether an event type fits a pattern, in which `*` stands for any run of
 * characters, dots and none included: `order.*` fits `order.created` and
 * `order.line.added`. Takes time linear in the type for each `*`, whatever
 * the pattern.
 */
export function matchesPattern(pattern: string, type: string): boolean {
  const [head = "", ...rest] = pattern.split("*");
  const tail = rest.pop();
  if (tail === undefined) return pattern === type;
  if (!type.startsWith(head)) return false;
  let at = head.length;
  for (const part of rest) {
    const found = type.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return type.length - tail.length >= at && type.endsWith(tail);
}

/** How much of a type a pattern fixes: the higher, the more specific. */
export function patternSpecificity(pattern: string): number {
  const literals = pattern.replaceAll("*", "").length;
  return pattern.includes("*") ? literals : Infinity;
}
