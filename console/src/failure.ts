/** Why something could not be done, in words for the person who asked for it. */
export class Failure extends Error {
  override readonly name = "Failure";
  /** What the same attempt would meet: `ended` needs a new sign-in first. */
  readonly kind: FailureKind;
  /** By field of a form: what is wrong with it. */
  readonly fields: Readonly<Record<string, string>>;
  /** Under which the server logged it. */
  readonly reference: string | undefined;

  constructor(
    kind: FailureKind,
    message: string,
    options: {
      readonly fields?: Readonly<Record<string, string>>;
      readonly reference?: string | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.fields = options.fields ?? {};
    this.reference = options.reference;
  }
}

/** `unreachable` and `busy` pass by themselves; `refused` needs another request. */
export type FailureKind = "unreachable" | "busy" | "ended" | "refused";

/** A failure as it is, anything else as a defect of the console. */
export function asFailure(cause: unknown): Failure {
  return cause instanceof Failure ? cause : new Failure(
    "refused",
    "Something went wrong in this page. Reload it; what is stored is safe.",
    { cause },
  );
}

/** What a server's problem details (RFC 9457) hold that a person is told. */
export interface ProblemBody {
  readonly detail?: unknown;
  readonly instance?: unknown;
  readonly errors?: unknown;
}

/**
 * What an answer that is no success means.
 *
 * @param what The act, as in "Cannot <act>": "list your resources".
 */
export function failureOf(
  what: string,
  { status, headers }: { readonly status: number; readonly headers: Headers },
  body: ProblemBody,
): Failure {
  const reference = typeof body.instance === "string"
    ? body.instance
    : undefined;
  if (status === 401) {
    return new Failure(
      "ended",
      "Your sign-in has ended. Sign in again; what you typed is kept.",
      { reference },
    );
  }
  if (status === 403) {
    return new Failure(
      "refused",
      `Cannot ${what}: your sign-in does not include the right to.`,
      { reference },
    );
  }
  if (status === 404) {
    return new Failure("refused", `Cannot ${what}: it is not there any more.`, {
      reference,
    });
  }
  if (status === 429 || status >= 500) {
    const seconds = Number(headers.get("retry-after"));
    const when = seconds > 0 ? ` in ${seconds} s` : "";
    return new Failure(
      "busy",
      `Cannot ${what} right now: the server is busy or waits for its database. Try again${when}.`,
      { reference },
    );
  }
  return new Failure(
    "refused",
    typeof body.detail === "string" ? `${body.detail}.` : `Cannot ${what}.`,
    { fields: fieldsOf(body.errors), reference },
  );
}

/** `[{pointer: "/name", detail}]` as `{name: detail}`; the first of a field counts. */
function fieldsOf(errors: unknown): Record<string, string> {
  const fields: Record<string, string> = {};
  if (!Array.isArray(errors)) return fields;
  for (const entry of errors) {
    const { pointer, detail } = (entry ?? {}) as Record<string, unknown>;
    if (typeof pointer !== "string" || typeof detail !== "string") continue;
    const [, name = ""] = /^\/?([^/]*)/.exec(pointer) ?? [];
    if (!Object.hasOwn(fields, name)) fields[name] = detail;
  }
  return fields;
}
