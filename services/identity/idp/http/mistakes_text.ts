import type { InvalidInput } from "@mainstay/kernel/errors";

/** A form's mistakes in a sentence each: “username must be …”. */
export function mistakesText({ errors }: InvalidInput): string {
  return errors.map(({ pointer, detail }) => {
    const field = pointer.replaceAll("/", "");
    return `${field.charAt(0).toUpperCase()}${field.slice(1)} ${detail}.`;
  }).join(" ");
}
