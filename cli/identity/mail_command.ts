import { mailBodyOf } from "@mainstay/identity";
import { defineCommand } from "../command.ts";
import { UsageError } from "../usage_error.ts";
import { openAdministration } from "./administration.ts";
import { limitOf, PAGE_OPTIONS } from "./paging.ts";

/** `mainstay identity mail`. */
export const mailCommand = defineCommand({
  name: "mail",
  summary: "Show mail that waits to be sent or was sent, the newest first",
  help:
    `Shows the mail of the identity provider. Where no server is configured that sends
it (SMTP_URL), as in development, this is where the links in it are read. The
text of a mail that was sent is forgotten.`,
  options: { limit: PAGE_OPTIONS.limit },
  usage: "[list]",
  async run({ options, args }, io) {
    if (args.length > 1 || (args[0] ?? "list") !== "list") {
      throw new UsageError("Expected nothing, or list");
    }
    const limit = limitOf(options);
    await using admin = await openAdministration();
    const kept = await admin.storage.mail.list({ limit });
    const mails = kept.map((mail) => ({
      id: mail.id,
      recipient: mail.recipient,
      subject: mail.subject,
      body: mailBodyOf(mail, admin.encryption),
      attempts: mail.attempts,
      createdAt: mail.createdAt.toISOString(),
      sentAt: mail.sentAt?.toISOString() ?? null,
    }));
    io.emit({ mails });
    if (mails.length === 0) io.print("There is no mail");
    for (const mail of mails) {
      const state = mail.sentAt === null ? "not sent" : "sent";
      io.print(`${mail.createdAt}  ${state}  to ${mail.recipient}`);
      io.print(`  ${mail.subject}`);
      for (const line of mail.body.split("\n")) io.print(`  ${line}`);
    }
  },
});
