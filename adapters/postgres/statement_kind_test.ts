import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { OPERATIONS, statementKind } from "./statement_kind.ts";

Deno.test("statementKind() reads the operation past comments, parentheses and CTEs", () => {
  const cases = {
    "select 1": "select",
    "  INSERT INTO t VALUES (1)": "insert",
    "/* delete */ -- from\nUpdate t SET a = 1": "update",
    "(SELECT 1) UNION SELECT 2": "select",
    "DELETE FROM t WHERE a = 'select'": "delete",
    "WITH a AS (SELECT 1), b AS (INSERT INTO t VALUES (1)) DELETE FROM q":
      "delete",
    "with x as (select ') delete from t (' , $a$ ) update $a$) select 1":
      "select",
    "TRUNCATE t": "other",
    "BEGIN": "other",
    "": "other",
  };
  for (const [text, operation] of Object.entries(cases)) {
    strictEqual(statementKind(text).operation, operation, text);
  }
});

Deno.test("statementKind() counts as changing whatever may change something", () => {
  const changes = (text: string) => statementKind(text).changes;
  const [harmless, harmful] = [
    ["SELECT 1", "BEGIN", "ROLLBACK", "SET x = 1", "SELECT 1;", "SHOW x"],
    [
      "INSERT INTO t VALUES (1)",
      "COMMIT",
      "SELECT 1; DELETE FROM t",
      "WITH a AS (INSERT INTO t VALUES (1)) SELECT 1",
      "CALL f()",
      "EXPLAIN ANALYZE DELETE FROM t",
      "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE",
    ],
  ];
  deepStrictEqual(harmless.filter(changes), []);
  deepStrictEqual(harmful.filter((text) => !changes(text)), []);
  ok(statementKind("commit").commits && !statementKind("begin").commits);
});

Deno.test("statementKind() gives a bounded label for any text, in time", () => {
  const piece = fc.constantFrom(
    "(",
    ")",
    "'",
    '"',
    "$$",
    "/*",
    "--",
    "with ",
    ";",
    "a",
    "\\",
    "\n",
  );
  fc.assert(fc.property(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(piece).map((p) => p.join("")),
    ),
    (text) => ok(OPERATIONS.includes(statementKind(text).operation)),
  ));
  const startedAt = performance.now();
  statementKind(`with ${"(".repeat(100_000)}${"'".repeat(99_999)}`);
  ok(performance.now() - startedAt < 1000);
});
