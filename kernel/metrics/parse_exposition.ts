/** One sample line of an exposition. */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Reads both of Prometheus' text formats, strictly: a test's own view of them.
 *
 * @throws {SyntaxError} On a line that is neither a sample nor a comment, or when a series comes twice.
 */
export function parseExposition(body: string): ParsedSample[] {
  const seen = new Set<string>();
  // As the wire would carry it.
  const text = new TextDecoder().decode(new TextEncoder().encode(body));
  return text.split("\n").flatMap((line): ParsedSample[] => {
    if (line === "" || /^# (?:HELP|TYPE) \S+ .+|^# EOF$/.test(line)) return [];
    const sample =
      /^([a-z_:][\w:]*)(?:\{((?:[a-z_]\w*="(?:[^"\\]|\\[\\n"])*",?)*)\})? (\S+)(?: # \{[^}]*\} \S+ \S+)?$/s
        .exec(line);
    if (sample === null) throw new SyntaxError(JSON.stringify(line));
    const [, name = "", labels = "", value] = sample;
    if (seen.has(name + labels)) throw new SyntaxError(`Twice: ${line}`);
    seen.add(name + labels);
    return [{
      name,
      labels: Object.fromEntries(
        Array.from(
          labels.matchAll(/(\w+)="((?:[^"\\]|\\[\\n"])*)"/g),
          ([, label = "", escaped = ""]) => [
            label,
            escaped.replace(/\\(.)/g, (_, c) => c === "n" ? "\n" : c),
          ],
        ),
      ),
      value: Number(value === "+Inf" ? Infinity : value),
    }];
  });
}
