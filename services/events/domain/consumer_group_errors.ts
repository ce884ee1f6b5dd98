import { OperationalError } from "@mainstay/kernel/errors";

/** The shard has passed to another owner: what was asked was not done. */
export class LeaseLost extends OperationalError<"lease-lost"> {
  constructor(shard: number) {
    super("lease-lost", "Cannot go on with a shard: it has another owner", {
      facts: { shard },
    });
  }
}

/** The group or its stream is not there any more; `ensure` makes it anew. */
export class GroupLost extends OperationalError<"group-lost"> {
  constructor(shard: number, cause: unknown) {
    super("group-lost", "Cannot read from the group: it is gone", {
      facts: { shard },
      cause,
    });
  }
}
