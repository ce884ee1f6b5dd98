import type { OptionSpecs, OptionValues } from "../command.ts";
import {
  createServiceClient,
  readKey,
  type ServiceClient,
  setVariable,
} from "../service_client.ts";

/** Options of every command that asks a running service. */
export const CLIENT_OPTIONS = {
  url: {
    type: "string",
    value: "<url>",
    description:
      "The service; default MAINSTAY_EVENTS_URL or http://localhost:8000",
  },
  "api-key-file": {
    type: "string",
    value: "<file>",
    description: "File that holds the API key; default MAINSTAY_API_KEY",
  },
} as const satisfies OptionSpecs;

/** Asks a running events service. */
export type EventsClient = ServiceClient;

/**
 * Reads {@link CLIENT_OPTIONS}.
 *
 * @throws {UsageError} For a URL that is none or a file that cannot be read.
 */
export function createEventsClient(
  options: OptionValues<typeof CLIENT_OPTIONS>,
): EventsClient {
  return createServiceClient({
    name: "the events service",
    url: options.url ?? setVariable("MAINSTAY_EVENTS_URL") ??
      "http://localhost:8000",
    key: options["api-key-file"] === undefined
      ? setVariable("MAINSTAY_API_KEY")
      : readKey(options["api-key-file"]),
  });
}
