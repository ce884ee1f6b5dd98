import { PayloadTooLarge } from "./http_errors.ts";

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
