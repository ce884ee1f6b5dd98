const MAX_LENGTH = 1_000;

/** An error as a line of text, whatever was thrown; never throws. */
export function describeError(thrown: unknown): string {
  let text: string;
  try {
    text = thrown instanceof Error
      ? `${thrown.name}: ${thrown.message}`
      : typeof thrown === "string"
      ? thrown
      : JSON.stringify(thrown) ?? String(thrown);
  } catch {
    text = "Something that cannot be put into words was thrown";
  }
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}
