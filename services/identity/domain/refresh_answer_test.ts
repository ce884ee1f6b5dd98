import { strictEqual } from "node:assert/strict";
import { newSecret } from "./bearer_secret.ts";
import { sealAnswer, tryOpenAnswer } from "./refresh_answer.ts";

const ANSWER = '{"access_token":"ä.b.c"}';

Deno.test("an answer opens for its token and its asker alone", () => {
  const token = newSecret();
  const sealed = sealAnswer(ANSWER, token, "key app");

  strictEqual(tryOpenAnswer(sealed, token, "key app"), ANSWER);
  strictEqual(tryOpenAnswer(sealed, newSecret(), "key app"), undefined);
  strictEqual(tryOpenAnswer(sealed, token, "other app"), undefined);
  strictEqual(tryOpenAnswer(sealed, token, "key other"), undefined);
});

Deno.test("an answer that was changed or cut does not open", () => {
  const token = newSecret();
  const sealed = sealAnswer(ANSWER, token, "app");
  for (let at = 0; at < sealed.length; at++) {
    const changed = sealed.slice();
    changed[at]! ^= 1;
    strictEqual(tryOpenAnswer(changed, token, "app"), undefined, `${at}`);
  }
  for (const length of [0, 11, 12, 27, sealed.length - 1]) {
    const cut = sealed.slice(0, length);
    strictEqual(tryOpenAnswer(cut, token, "app"), undefined, `${length}`);
  }
});
