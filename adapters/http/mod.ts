/**
 * Services over HTTP: a public listener, an admin server, and what a route's
 * handler needs to answer well.
 *
 * @module
 */
export {
  accessTokenMistakes,
  accessTokenSettings,
} from "./access_token_settings.ts";
export {
  createAccessTokenVerifier,
  IdentityUnavailable,
  type TokenIssuer,
  type VerifiedToken,
} from "./access_token_verifier.ts";
export { type Cookie, type CookieOptions, createCookie } from "./cookie.ts";
export {
  createHandler,
  type HandlerOptions,
  type HttpHandler,
} from "./create_handler.ts";
export {
  eventStream,
  type EventStreamOptions,
  type StreamEvent,
} from "./event_stream.ts";
export { isLoopback } from "./cidr.ts";
export { openApiDocument, type OpenApiOptions } from "./open_api_document.ts";
export type { PeerInfo } from "./exchange.ts";
export { type Form, parseForm, readForm } from "./form.ts";
export * from "./http_errors.ts";
export {
  type GuardedAnswer,
  guardedFetch,
  type GuardedFetchOptions,
  OutboundRefused,
} from "./guarded_fetch.ts";
export { isPrivateAddress, publicIpv4Networks } from "./private_networks.ts";
export { Html, html, type HtmlValue } from "./html.ts";
export { httpListeners, type HttpListenersOptions } from "./http_listeners.ts";
export { type HttpConfig, httpSettings } from "./http_settings.ts";
export { jsonResponse } from "./json_response.ts";
export { PortUnavailable } from "./listen_errors.ts";
export { type PageOptions, pageResponse, seeOther } from "./page_response.ts";
export { type MtlsConfig, mtlsSettings } from "./mtls_settings.ts";
export {
  httpProblems,
  type ProblemPage,
  type ProblemRow,
  type ProblemTable,
  type ProblemText,
} from "./problem.ts";
export {
  createRateLimit,
  type RateDecision,
  type RateLimitOptions,
} from "./rate_limit.ts";
export { parseJson, readJson, type ReadJsonOptions } from "./read_json.ts";
export { type Parameter, readQuery, wholeNumber } from "./read_query.ts";
export { schemaJson } from "./schema_json.ts";
export { singleHeader } from "./single_header.ts";
export { TlsUnusable } from "./tls_files.ts";
