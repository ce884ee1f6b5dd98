/**
 * The HTTP executor: sends what it is told to, and tells what came back.
 *
 * It is a process of its own because of what it lacks: no environment, no file,
 * no database, no name resolution, and a network of public IPv4 addresses alone
 * (`--allow-net=<networks>`). What the check of an address misses, the runtime
 * refuses.
 *
 * @module
 */
import { sendExchange } from "./send_exchange.ts";
import type { ExchangeQuestion, Ping, Pong } from "../domain/http_exchange.ts";

const encoder = new TextEncoder();

async function main(): Promise<void> {
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
  let rest = "";
  for await (const text of lines) {
    rest += text;
    const complete = rest.split("\n");
    rest = complete.pop() ?? "";
    for (const line of complete) void answer(JSON.parse(line));
  }
}

async function answer(question: ExchangeQuestion | Ping): Promise<void> {
  const said = "ping" in question
    ? { id: question.id, pong: true } satisfies Pong
    : await sendExchange(question);
  write(`${JSON.stringify(said)}\n`);
}

function write(text: string): void {
  let rest = encoder.encode(text);
  while (rest.length > 0) rest = rest.subarray(Deno.stdout.writeSync(rest));
}

if (import.meta.main) {
  await main();
  // Who asked is gone, and so is whoever would read an answer.
  Deno.exit(0);
}
