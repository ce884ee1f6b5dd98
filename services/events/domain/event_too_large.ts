import { type Mistake, OperationalError } from "@mainstay/kernel/errors";

/** Events whose `data` is over the limit; names each with its size. */
export class EventTooLarge extends OperationalError<"event-too-large"> {
  readonly errors: readonly Mistake[];

  constructor(errors: readonly Mistake[]) {
    super(
      "event-too-large",
      errors.length === 1
        ? "Cannot accept the event: its data is too large"
        : `Cannot accept the events: the data of ${errors.length} is too large`,
    );
    this.errors = errors;
  }
}
