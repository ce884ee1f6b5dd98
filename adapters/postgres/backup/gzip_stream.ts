import { Readable, type Transform } from "node:stream";
import { createGunzip, createGzip } from "node:zlib";

/** Of the level: 1 takes a third of the time of the default, for a twentieth more bytes. */
const LEVEL = 1;

/** What comes, compressed. */
export function compressed(
  bytes: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  return through(bytes, createGzip({ level: LEVEL }));
}

/** What {@link compressed} made, as it was. */
export function decompressed(
  bytes: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  return through(bytes, createGunzip());
}

/**
 * As `pipeline` would, but a reader that fails hears its own error: here that
 * gives an AbortError instead.
 */
function through(
  bytes: AsyncIterable<Uint8Array>,
  transform: Transform,
): AsyncIterable<Uint8Array> {
  const source = Readable.from(bytes);
  source.on("error", (error) => transform.destroy(error));
  transform.on("close", () => source.destroy());
  return source.pipe(transform);
}
