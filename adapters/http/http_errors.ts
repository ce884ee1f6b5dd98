/**
 * The failures that HTTP itself knows, whatever the service behind it does.
 *
 * @module
 */
import {
  OperationalError,
  type OperationalErrorOptions,
} from "@mainstay/kernel/errors";

/** An {@link OperationalError} whose answer carries headers of its own. */
export class HttpError<Code extends string = string>
  extends OperationalError<Code> {
  /** Added to the problem's response. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: Code,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    options: OperationalErrorOptions = {},
  ) {
    super(code, message, options);
    this.headers = headers;
  }
}

/** Nothing is at this path, or nothing that this caller may see. */
export class NotFound extends HttpError<"not-found"> {
  constructor(message = "Cannot find the resource: nothing is at this path") {
    super("not-found", message);
  }
}

/** The path exists, the method on it does not. */
export class MethodNotAllowed extends HttpError<"method-not-allowed"> {
  constructor(allowed: readonly string[]) {
    const allow = allowed.join(", ");
    super(
      "method-not-allowed",
      `Cannot use this method: the path knows ${allow}`,
      { allow },
    );
  }
}

/** No credentials, or none that are good. */
export class Unauthorized extends HttpError<"unauthorized"> {
  /** @param challenge The `WWW-Authenticate` value, which RFC 9110 requires of a 401. */
  constructor(
    message =
      "Cannot authenticate the caller: credentials are missing or wrong",
    challenge = "Bearer",
  ) {
    super("unauthorized", message, { "www-authenticate": challenge });
  }
}

/** The caller is known, or needs not be, and may not do this. */
export class Forbidden extends HttpError<"forbidden"> {
  constructor(message = "Cannot allow the request: the caller has no right") {
    super("forbidden", message);
  }
}

/** The body is longer than its route accepts. */
export class PayloadTooLarge extends HttpError<"payload-too-large"> {
  constructor(maxBytes: number) {
    super(
      "payload-too-large",
      `Cannot accept the body: it is longer than ${maxBytes} bytes`,
      // What is left of the body would be read as the next request.
      { connection: "close" },
    );
  }
}

/** The body arrived slower than it may. */
export class BodyTimeout extends HttpError<"body-timeout"> {
  constructor(timeoutMs: number) {
    super(
      "body-timeout",
      `Cannot read the body: it was not complete after ${timeoutMs} ms`,
      { connection: "close" },
      { retryable: true },
    );
  }
}

/** The handler reads another kind of body. */
export class UnsupportedMediaType extends HttpError<"unsupported-media-type"> {
  constructor(accepted: readonly string[]) {
    const accept = accepted.join(", ");
    super(
      "unsupported-media-type",
      `Cannot read the body: its Content-Type is not ${accept}`,
      { accept },
    );
  }
}

/** The body says it is JSON and is not. */
export class InvalidJson extends HttpError<"invalid-json"> {
  /** @param state What is wrong and where, without quoting the body. */
  constructor(state: string) {
    super("invalid-json", `Cannot read the body: ${state}`);
  }
}

/** The handler did not answer in time. */
export class RequestTimeout extends HttpError<"request-timeout"> {
  constructor(timeoutMs: number) {
    super(
      "request-timeout",
      `Cannot answer: the request took longer than ${timeoutMs} ms`,
      {},
      { retryable: true, retryAfterMs: 1000 },
    );
  }
}

/** The service stopped before the handler had answered. */
export class ServiceStopping extends HttpError<"service-stopping"> {
  constructor() {
    super("service-stopping", "Cannot answer: the service is stopping", {
      connection: "close",
    }, { retryable: true, retryAfterMs: 1000 });
  }
}

/** The caller has used up its allowance. */
export class TooManyRequests extends HttpError<"too-many-requests"> {
  constructor(
    retryAfterMs: number,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(
      "too-many-requests",
      "Cannot accept the request: the caller's rate limit is reached",
      headers,
      { retryable: true, retryAfterMs },
    );
  }
}
