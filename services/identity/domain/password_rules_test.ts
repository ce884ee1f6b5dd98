import { doesNotThrow, match, strictEqual, throws } from "node:assert/strict";
import {
  checkPassword,
  normalizePassword,
  WeakPassword,
} from "./password_rules.ts";

const refused = (password: string, known: string[] = []) => {
  let message = "";
  throws(() => checkPassword(password, known), (failure) => {
    message = (failure as Error).message;
    return failure instanceof WeakPassword;
  });
  return message;
};

Deno.test("checkPassword() takes any long password that nobody would try first", () => {
  for (
    const good of [
      ...["a blue horse ate it", "kvw8-2hht-qmpa", "ünïcödé ist schön"],
      ...["passwords are not all bad", "🐴🔋📎✅ and four"],
    ]
  ) doesNotThrow(() => checkPassword(good, ["ann"]), good);
});

Deno.test("checkPassword() says what is wrong with a weak one", () => {
  match(refused("short"), /less than 12/);
  match(refused("🐴".repeat(6) + "ab"), /less than 12/);
  match(refused("ab c".repeat(65)), /more than 256/);
  match(refused("abababababababab"), /repeats/);
  for (
    const common of [
      ...[
        "Password1234",
        "abcdefghijklm",
        "987654321098765",
        "ＰＡＳＳＷＯＲＤ1234",
      ],
    ]
  ) match(refused(common), /first that are tried/, common);
});

Deno.test("checkPassword() refuses little more than what others know", () => {
  const known = ["annabelle", "Ann", "annabelle.smith@example.com"];
  match(refused("Annabelle123!", known), /name or the address/);
  match(refused("example.com-1", known), /name or the address/);
  doesNotThrow(() => checkPassword("annabelle likes long walks", known));
});

Deno.test("a refusal never quotes the password", () => {
  strictEqual(refused("s3cret").includes("s3cret"), false);
});

Deno.test("normalizePassword() makes one of what looks the same", () => {
  strictEqual(normalizePassword("u\u0308"), normalizePassword("\u00fc"));
});
