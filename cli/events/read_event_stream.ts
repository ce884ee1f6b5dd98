/** What a Server-Sent Events response says, field by field. */
export interface StreamMessage {
  readonly id: string | undefined;
  readonly data: string | undefined;
  readonly retryMs: number | undefined;
}

/** Reads Server-Sent Events (WHATWG HTML 9.2.6) until the body ends. */
export async function* readEventStream(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncIterable<StreamMessage> {
  let rest = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? "";
    for (const block of blocks) yield parseBlock(block);
  }
}

function parseBlock(block: string): StreamMessage {
  const data: string[] = [];
  let id: string | undefined;
  let retryMs: number | undefined;
  for (const line of block.split(/\r?\n/)) {
    const [, name, value = ""] = /^([a-z]+): ?(.*)$/.exec(line) ?? [];
    if (name === "data") data.push(value);
    if (name === "id") id = value;
    if (name === "retry" && /^\d+$/.test(value)) retryMs = Number(value);
  }
  return {
    id,
    retryMs,
    data: data.length === 0 ? undefined : data.join("\n"),
  };
}
