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
    const mails = await admin.storage.mail.list({ limit });
    io.emit({
      mails: mails.map(({ createdAt, sentAt, ...mail }) => ({
        ...mail,
        createdAt: createdAt.toISOString(),
        sentAt: sentAt?.toISOString() ?? null,
      })),
    });
    if (mails.length === 0) io.print("There is no mail");
    for (const mail of mails) {
      const state = mail.sentAt === undefined ? "not sent" : "sent";
      io.print(
        `${mail.createdAt.toISOString()}  ${state}  to ${mail.recipient}`,
      );
      io.print(`  ${mail.subject}`);
      for (const line of mail.body.split("\n")) io.print(`  ${line}`);
    }
  },
});
