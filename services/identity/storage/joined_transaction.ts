import type { Postgres, Queryable } from "@mainstay/adapters/postgres";

/**
 * A transaction in the place of connections: a store that begins one of its own
 * joins this one, and is undone with it.
 */
export function joinedTransaction(transaction: Queryable): Postgres {
  const joined: Pick<Postgres, "query" | "transaction"> = {
    query: (statement, values) => transaction.query(statement, values),
    transaction: (work) => work(transaction),
  };
  // Stores use nothing else.
  return joined as Postgres;
}
