import { InvalidInput } from "@mainstay/kernel/errors";

/** The path of an absolute URL, without the cost of parsing the rest. */
export function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  if (start === -1) return "/";
  const query = url.indexOf("?", start);
  const hash = url.indexOf("#", start);
  const end = Math.min(
    query === -1 ? url.length : query,
    hash === -1 ? url.length : hash,
  );
  return url.slice(start, end);
}

/**
 * The values of a pattern's parameters.
 *
 * @throws {InvalidInput} If a value is not percent-encoded UTF-8, or holds a NUL.
 */
export function decodeParams(
  params: ReadonlyArray<readonly [name: string, value: string]>,
): Readonly<Record<string, string>> {
  const decoded: Record<string, string> = {};
  for (const [name, value] of params) {
    let text: string;
    try {
      text = value.includes("%") ? decodeURIComponent(value) : value;
    } catch {
      throw new InvalidInput([
        { pointer: name, detail: "must be percent-encoded UTF-8" },
      ]);
    }
    // As in a form: PostgreSQL's text holds none.
    if (text.includes("\0")) {
      throw new InvalidInput([{ pointer: name, detail: "must hold no NUL" }]);
    }
    decoded[name] = text;
  }
  return decoded;
}
