import { OperationalError } from "@mainstay/kernel/errors";

/** A client's id is taken. */
export class ClientExists extends OperationalError<"client-exists"> {
  constructor(id: string) {
    super("client-exists", `Cannot create the client: ${id} exists`);
  }
}
