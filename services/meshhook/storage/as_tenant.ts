import type { Queryable } from "@mainstay/adapters/postgres";

/** Runs statements that see one project and nothing else. */
export type AsTenant = <Result>(
  work: (transaction: Queryable) => Promise<Result>,
) => Promise<Result>;
