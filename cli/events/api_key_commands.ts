import { createHash, randomBytes } from "node:crypto";
import { formatApiKey, parseApiKey } from "@mainstay/events";
import { type CommandGroup, defineCommand } from "../command.ts";
import { UsageError } from "../usage_error.ts";

const create = defineCommand({
  name: "create",
  summary: "Make an API key and the entry of API_KEYS for it",
  help: `Makes a key of 256 random bits. Nothing is stored: give the key to its
holder, and add the entry, which holds only the key's hash, to API_KEYS of the
service (entries are separated by commas).`,
  usage: "<name>",
  examples: ["mainstay events api-key create billing --scopes publish+read"],
  options: {
    scopes: {
      type: "string",
      value: "<scopes>",
      description: "publish, read and admin, joined by +; default publish+read",
    },
  },
  // deno-lint-ignore require-await -- commands are asynchronous
  async run({ options, args }, io) {
    const [name] = args;
    if (name === undefined || args.length > 1) {
      throw new UsageError("Expected a name for the key's holder");
    }
    const key = `mainstay_${randomBytes(32).toString("base64url")}`;
    const sha256 = createHash("sha256").update(key).digest("hex");
    const { scopes } = options;
    const entry = entryOf(`${name}=${sha256}${scopes ? `:${scopes}` : ""}`);
    io.emit({ key, entry });
    io.print(`Key (shown this once):  ${key}`);
    io.print(`Entry for API_KEYS:     ${entry}`);
  },
});

function entryOf(text: string): string {
  try {
    return formatApiKey(parseApiKey(text));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(
      `The name or the scopes are wrong: it ${error.message}`,
    );
  }
}

/** `mainstay events api-key …`. */
export const apiKeyCommands: CommandGroup = {
  name: "api-key",
  summary: "Make API keys",
  help: "API keys open a service that is asked from other machines.",
  commands: [create],
};
