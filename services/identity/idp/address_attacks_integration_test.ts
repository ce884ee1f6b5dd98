/** Attacks on an account by way of its e-mail address. */
import { match, strictEqual } from "node:assert/strict";
import { addUser, newestMail, signedInBrowser } from "../tests/accounts.ts";
import { Browser, readable } from "../tests/browser.ts";
import { startIdentity } from "../tests/start_identity.ts";

const SERVERS = ["authz", "idp"] as const;

Deno.test("an address is confirmed by its account's own browser, after a new sign-in, and the former one is told", async (t) => {
  await using identity = await startIdentity({ servers: SERVERS });
  const { idp } = identity.urls;
  const { users } = identity.storage;
  await addUser(identity, "ann", { email: "ann@example.com" });
  const { browser } = await signedInBrowser(identity);
  const newest = () => newestMail(identity);
  const linkOf = (body: string) => /http\S+/.exec(body)![0];
  const ask = async (email: string) =>
    await browser.submit(
      await browser.open(`${idp}/account`),
      { email },
      { action: "/account/profile" },
    );

  await ask("new@example.com");
  const link = linkOf((await newest()).body);
  await t.step("who gets the mail confirms nothing with it", async () => {
    const page = await new Browser().open(link);
    strictEqual(page.status, 403);
    match(readable(page), /Sign in to the account first/);
    strictEqual(await users.findByLogin("new@example.com"), undefined);
  });
  await t.step("the account's browser does", async () => {
    const done = await browser.submit(await browser.open(link));
    match(readable(done), /is confirmed/);
    strictEqual((await newest()).recipient, "ann@example.com");
    match((await newest()).subject, /address was changed/);
  });
  await t.step(
    "it is replaced, not taken away, and the page says so",
    async () => {
      match(readable(await ask("")), /replaced by another one, but not taken/);
      const ann = await users.findByLogin("ann");
      strictEqual(ann?.email, "new@example.com");
    },
  );
  await t.step("an old sign-in changes no address", async () => {
    await identity.postgres.query(
      "UPDATE sessions SET auth_time = auth_time - interval '16 minutes'",
    );
    const told = (await newest()).id;
    match(readable(await ask("other@example.com")), /sign-in is too old/);
    strictEqual((await newest()).id, told);
  });
});

Deno.test("a new password ends the links that could set another", async () => {
  await using identity = await startIdentity({ servers: SERVERS });
  const { idp } = identity.urls;
  const { users } = identity.storage;
  await addUser(identity, "ann", { email: "ann@example.com" });
  const thief = new Browser();
  await thief.submit(await thief.open(`${idp}/reset-password`), {
    username: "ann",
  });
  const sent = await newestMail(identity);
  const ann = await users.findByLogin("ann");
  await users.setPassword(ann!.id, ann!.passwordHash!);
  const page = await thief.open(/http\S+/.exec(sent.body)![0]);
  match(readable(page), /does not work any more/);
});
