import { PayloadTooLarge } from "./http_errors.ts";

/**
 * Reads a body whose length is declared and within the limit, which the server
 * then holds its sender to: without a stream or a signal, which cost three
 * times as much as the rest of the reading. Undefined for any other body.
 *
 * It ends early only with the connection; its failure means that the sender left.
 */
export function readShortBody(
  request: Request,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> | undefined {
  const declared = request.headers.get("content-length");
  if (declared === null || !(Number(declared) <= maxBytes)) return undefined;
  // Chunks count for more than a length that came with them.
  if (request.headers.has("transfer-encoding")) return undefined;
  return request.bodyUsed ? undefined : request.bytes();
}

/**
 * Reads a whole body, refusing it as soon as it is known to be too long: by
 * its `Content-Length` before a byte is read, else while counting.
 *
 * @param signal Ends the reading; its reason is thrown.
 * @throws {PayloadTooLarge}
 */
export async function readBody(
  request: Request,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  refuseLongBody(request, maxBytes);
  if (request.body === null) return new Uint8Array();
  signal.throwIfAborted();
  const reader = request.body.getReader();
  // Cancelling makes the pending read end; the reason is thrown below.
  const stop = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await collect(reader, maxBytes, signal);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** @throws {PayloadTooLarge} If the declared length is over the limit. */
export function refuseLongBody(request: Request, maxBytes: number): void {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > maxBytes) {
    throw new PayloadTooLarge(maxBytes);
  }
}

async function collect(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (true) {
    const { done, value } = await reader.read();
    signal.throwIfAborted();
    if (done) break;
    length += value.byteLength;
    if (length > maxBytes) {
      // Not awaited: the rest of the body may never come.
      void reader.cancel().catch(() => {});
      throw new PayloadTooLarge(maxBytes);
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
