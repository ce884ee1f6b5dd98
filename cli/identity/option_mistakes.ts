import { InvalidInput } from "@mainstay/kernel/errors";
import { UsageError } from "../usage_error.ts";

/**
 * Lets `work` speak of options where it speaks of fields.
 *
 * @param options The option of each field that has another name.
 * @throws {UsageError} With all mistakes, a line each.
 */
export async function withOptionNames<Result>(
  options: Readonly<Record<string, string>>,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (failure) {
    if (!(failure instanceof InvalidInput)) throw failure;
    const lines = failure.errors.map(({ pointer, detail }) => {
      const [, field = "", place] = pointer.split("/");
      const option = options[field] ?? `--${kebab(field)}`;
      const which = place === undefined || !/^\d+$/.test(place)
        ? ""
        : ` (number ${Number(place) + 1})`;
      return `  ${option}${which} ${detail}`;
    });
    throw new UsageError(`${failure.message}\n${lines.join("\n")}`);
  }
}

function kebab(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
