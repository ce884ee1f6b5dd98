import { OperationalError } from "@mainstay/kernel/errors";

/** A trip through sign-in that is over, or was never begun. */
export class SignInExpired extends OperationalError<"sign-in-expired"> {
  constructor() {
    super(
      "sign-in-expired",
      "Cannot go on with the sign-in: it has ended or was begun too long ago",
    );
  }
}
