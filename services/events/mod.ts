/**
 * The events service, for those who run it with handlers of their own.
 *
 * @module
 */
export { type EventsConfig, eventsSettings } from "./config.ts";
export {
  type ApiKey,
  formatApiKey,
  parseApiKey,
  type Scope,
} from "./domain/api_key.ts";
export type { EventData, StoredEvent, StreamId } from "./domain/event.ts";
export type { EventsStorage } from "./domain/events_storage.ts";
export type {
  DataSchema,
  EventHandler,
  HandleEvent,
  HandlerContext,
  HandlerOptions,
} from "./domain/handler.ts";
export { on } from "./domain/handler_registry.ts";
export {
  eventsService,
  type EventsServiceOptions,
  type OpenStorage,
} from "./module.ts";
