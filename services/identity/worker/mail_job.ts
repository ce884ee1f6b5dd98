import {
  backgroundJob,
  type Clock,
  type Kernel,
  type Part,
} from "@mainstay/kernel/lifecycle";
import { createTransport } from "nodemailer";
import type { KeyEncryption } from "@mainstay/kernel/encryption";
import {
  type KeptMail,
  mailBodyOf,
  type MailOutbox,
} from "../domain/mail_outbox.ts";

/** What mail is sent with. */
export interface MailJobOptions {
  readonly outbox: MailOutbox;
  readonly encryption: KeyEncryption;
  /** `smtp://user:password@host:587`, or `smtps:`. */
  readonly smtpUrl: string;
  /** Nothing is sent over `smtp:` to a server that does not change to TLS. */
  readonly requireTls: boolean;
  readonly from: string;
  readonly clock: Clock;
}

const EVERY_MS = 2_000;
const BATCH = 20;
const TIMEOUT_MS = 10_000;
const FIRST_RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 3_600_000;

/**
 * Sends the mail that waits in the outbox, oldest first.
 *
 * A mail is taken before it is sent and marked after: should the process die in
 * between, it is sent again. One that the server refuses waits, twice as long
 * each time, until it expires.
 */
export function mailJob(
  kernel: Pick<Kernel, "log" | "metrics">,
  { outbox, encryption, smtpUrl, requireTls, from, clock }: MailJobOptions,
): Part {
  const transport = createTransport({
    url: addressOf(smtpUrl, requireTls),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
  });
  const log = kernel.log.child("mail");
  const mails = kernel.metrics.counter({
    name: "mails_total",
    help: "Attempts to send mail, by outcome.",
    labels: ["outcome"],
  });

  async function send(mail: KeptMail): Promise<void> {
    try {
      await transport.sendMail({
        from,
        to: mail.recipient,
        subject: mail.subject,
        text: mailBodyOf(mail, encryption),
      });
    } catch (error) {
      mails.add({ outcome: "failed" });
      const waitMs = Math.min(
        LONGEST_RETRY_MS,
        FIRST_RETRY_MS * 2 ** (mail.attempts - 1),
      );
      log.warn(problemOf(error), {
        mail: mail.id,
        attempts: mail.attempts,
        waitMs,
        error,
      });
      await outbox.failed(mail.id, new Date(clock.now() + waitMs));
      return;
    }
    mails.add({ outcome: "sent" });
    await outbox.sent(mail.id);
  }

  return backgroundJob(kernel, {
    name: "mail",
    schedule: { everyMs: EVERY_MS },
    async run(signal) {
      const until = new Date(clock.now() + BATCH * 3 * TIMEOUT_MS);
      const due = await outbox.takeDue(BATCH, until);
      for (const mail of due) {
        // What is left is due again after a while.
        if (signal.aborted) return;
        await send(mail);
      }
    },
  }, { clock });
}

/** What stands in the address goes before all options, so it is said there. */
function addressOf(smtpUrl: string, requireTls: boolean): string {
  const url = new URL(smtpUrl);
  if (requireTls) url.searchParams.set("requireTLS", "true");
  return url.href;
}

function problemOf(error: unknown): string {
  return error instanceof Error && "code" in error && error.code === "ETLS"
    ? "Cannot send a mail: the server of SMTP_URL does not change to TLS, or not with a certificate for its name; it is tried again"
    : "Cannot send a mail: it is tried again";
}
