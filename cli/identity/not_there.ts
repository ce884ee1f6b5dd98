import { OperationalError } from "@mainstay/kernel/errors";

/** What a command names does not exist. */
export class NotThere extends OperationalError<"not-found"> {
  constructor(act: string, what: string) {
    super("not-found", `Cannot ${act}: there is no ${what}`);
  }
}
