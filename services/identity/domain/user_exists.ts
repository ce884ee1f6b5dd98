import { OperationalError } from "@mainstay/kernel/errors";

/** A user's name or address is taken. */
export class UserExists extends OperationalError<"user-exists"> {
  readonly field: "username" | "email";

  constructor(field: "username" | "email") {
    super(
      "user-exists",
      field === "username"
        ? "Cannot create the account: the username is taken"
        : "Cannot use the e-mail address: another account has it",
    );
    this.field = field;
  }
}
