/**
 * Failures as RFC 9457 problem details.
 *
 * @module
 */
import { type Mistake, OperationalError } from "@mainstay/kernel/errors";
import { HttpError } from "./http_errors.ts";

/** How one error code is answered. */
export interface ProblemRow {
  /** 400–599. */
  readonly status: number;
  /** The same for each occurrence of the code (RFC 9457, 3.1.3). */
  readonly title: string;
}

/**
 * A row for each code. Name the union of a service's codes as `Code`, and a
 * missing row does not compile.
 */
export type ProblemTable<Code extends string = string> = Readonly<
  Record<Code, ProblemRow>
>;

/** The rows of the codes that the adapter itself throws. */
export const httpProblems = {
  "not-found": { status: 404, title: "Not found" },
  "method-not-allowed": { status: 405, title: "Method not allowed" },
  "unauthorized": { status: 401, title: "Unauthorized" },
  "forbidden": { status: 403, title: "Forbidden" },
  "payload-too-large": { status: 413, title: "Payload too large" },
  "body-timeout": { status: 408, title: "Body not received in time" },
  "unsupported-media-type": { status: 415, title: "Unsupported media type" },
  "invalid-json": { status: 400, title: "Malformed JSON" },
  "invalid-input": { status: 400, title: "Invalid input" },
  "request-timeout": { status: 503, title: "Request timed out" },
  "service-stopping": { status: 503, title: "Service is stopping" },
  "too-many-requests": { status: 429, title: "Too many requests" },
} as const satisfies ProblemTable;

/** What is told of a failure that nobody expected. */
const INTERNAL = {
  code: "internal-error",
  status: 500,
  title: "Internal error",
  detail: "Cannot answer: the service failed in a way it did not expect",
} as const;

/** What a client may read of a failure. */
export interface ProblemText {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly correlationId: string;
}

/**
 * Shows a failure to a person whose browser asked for a page. Undefined, and
 * the answer is problem details like everyone else's.
 */
export type ProblemPage = (
  problem: ProblemText,
  request: Request,
) => Response | undefined;

/** A failure, as a client is told of it. */
export interface Problem {
  readonly code: string;
  readonly status: number;
  /** Whether the failure is a defect, as opposed to part of normal operation. */
  readonly unexpected: boolean;
  readonly response: Response;
}

/**
 * Turns what a handler threw into the answer for its client.
 *
 * The body holds the code, the row's title, the error's `message` and, for an
 * error with `errors` such as `InvalidInput`, each mistake. `facts`, `cause` and the stack stay out of
 * it. Whatever is not an `OperationalError` with a row is a generic 500.
 *
 * @param page Answers instead, with the headers that the failure demands.
 */
export function problemOf(
  failure: unknown,
  table: ProblemTable,
  correlationId: string,
  page?: (problem: ProblemText) => Response | undefined,
): Problem {
  const row = failure instanceof OperationalError &&
      Object.hasOwn(table, failure.code)
    ? table[failure.code]
    : undefined;
  const { code, status, title, detail } = row === undefined
    ? INTERNAL
    : { ...row, ...expected(failure as OperationalError) };
  const shown = page?.({ code, status, title, detail, correlationId });
  const headers = shown?.headers ?? new Headers({
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  });
  const errors = row === undefined ? undefined : mistakesOf(failure);
  if (row !== undefined) addHeaders(headers, failure as OperationalError);
  const body = {
    type: `urn:mainstay:problem:${code}`,
    title,
    status,
    detail,
    instance: correlationId,
    ...(errors === undefined ? {} : { errors }),
  };
  return {
    code,
    status,
    unexpected: row === undefined,
    response: shown ?? new Response(JSON.stringify(body), { status, headers }),
  };
}

function expected(failure: OperationalError) {
  return { code: failure.code, detail: failure.message };
}

function mistakesOf(failure: unknown): readonly Mistake[] | undefined {
  const { errors } = failure as { readonly errors?: readonly Mistake[] };
  return errors;
}

function addHeaders(headers: Headers, failure: OperationalError): void {
  if (failure.retryAfterMs !== undefined) {
    headers.set("retry-after", retryAfterSeconds(failure.retryAfterMs));
  }
  if (!(failure instanceof HttpError)) return;
  for (const [name, value] of Object.entries(failure.headers)) {
    headers.set(name, value);
  }
}

/** Whole seconds, never 0: a client that is told 0 comes back at once. */
function retryAfterSeconds(milliseconds: number): string {
  return String(Math.max(1, Math.ceil(milliseconds / 1000)));
}
