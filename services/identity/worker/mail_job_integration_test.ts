/** Mail over a real SMTP server: sent once, tried again, forgotten. */
import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import { eventually, freePort } from "@mainstay/adapters/testing";
import { SMTPServer } from "smtp-server";
import { addUser } from "../tests/accounts.ts";
import { Browser, readable } from "../tests/browser.ts";
import { startIdentity } from "../tests/start_identity.ts";

/** Takes mail from those who know the password, while it is willing. */
function startSmtp(port: number) {
  const received: string[] = [];
  const server = new SMTPServer({
    secure: false,
    allowInsecureAuth: true,
    disabledCommands: ["STARTTLS"],
    logger: false,
    onAuth({ username, password }, _session, done) {
      if (username === "mainstay" && password === "s3cret") {
        done(null, { user: username });
      } else done(new Error("Wrong password"));
    },
    onData(stream, _session, done) {
      const chunks: Uint8Array[] = [];
      stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      stream.on("end", () => {
        received.push(new TextDecoder().decode(
          Uint8Array.from(chunks.flatMap((chunk) => [...chunk])),
        ));
        done();
      });
    },
  });
  server.on("error", () => {});
  server.listen(port, "127.0.0.1");
  return {
    received,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

Deno.test({
  name: "mail waits for its server, arrives once, and is forgotten",
  // The client's pooled sockets close a moment after the test.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const port = freePort();
    await using identity = await startIdentity({
      servers: ["authz", "idp"],
      env: {
        SMTP_URL: `smtp://mainstay:s3cret@127.0.0.1:${port}`,
        MAIL_FROM: "Example <id@example.com>",
      },
    });
    await addUser(identity, "ann", { email: "ann@example.com" });
    const browser = new Browser();
    const page = await browser.open(`${identity.urls.idp}/reset-password`);
    match(readable(await browser.submit(page, { username: "ann" })), /Look at/);
    const { mail } = identity.storage;

    await eventually(
      "a server that is away is noticed",
      () => identity.log.some((line) => line.includes("Cannot send a mail")),
      30_000,
    );
    ok(!identity.log.some((line) => line.includes("s3cret")), "in the log");
    const [waiting] = await mail.list({ limit: 5 });
    strictEqual(waiting?.sentAt, undefined);

    await using smtp = startSmtp(port);
    await identity.postgres.query(
      "UPDATE mail_outbox SET next_attempt_at = now()",
    );
    await eventually("it arrives", () => smtp.received.length > 0, 30_000);
    await eventually(
      "it is marked",
      async () => (await mail.list({ limit: 5 }))[0]?.sentAt !== undefined,
      30_000,
    );
    strictEqual(smtp.received.length, 1);
    const [text] = smtp.received;
    match(text!, /^From: Example <id@example\.com>/m);
    match(text!, /^To: ann@example\.com/m);
    match(text!, /reset-password\/new\?token=/);
    const left = await mail.list({ limit: 5 });
    assertEquals(left.map(({ bodyEncrypted }) => bodyEncrypted), [undefined]);
  },
});

Deno.test({
  name: "in production nothing is sent to a server without TLS",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const port = freePort();
    await using smtp = startSmtp(port);
    await using identity = await startIdentity({
      servers: ["idp"],
      env: {
        ENVIRONMENT: "production",
        // The address does not have the last word.
        SMTP_URL:
          `smtp://mainstay:s3cret@127.0.0.1:${port}?requireTLS=false&ignoreTLS=true`,
      },
    });
    await addUser(identity, "ann", { email: "ann@example.com" });
    const browser = new Browser();
    const page = await browser.open(`${identity.urls.idp}/reset-password`);
    await browser.submit(page, { username: "ann" });
    await eventually(
      "the log says why",
      () =>
        identity.log.some((line) => line.includes("does not change to TLS")),
      30_000,
    );
    assertEquals(smtp.received, []);
    ok(!identity.log.some((line) => line.includes("s3cret")), "in the log");
  },
});
