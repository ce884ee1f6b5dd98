import { Buffer } from "node:buffer";
import type { KeyEncryption } from "@mainstay/kernel/encryption";

/** Text that this service has made, that nobody can read or change. */
export interface Sealed<Value> {
  seal(value: Value, lifetimeMs: number): string;
  /** Undefined for what is not of this service, for this use, or too old. */
  tryOpen(text: string | undefined): Value | undefined;
}

/** What is put into a cookie in place of a row in the database. */
export function createSealed<Value>(
  use: string,
  encryption: KeyEncryption,
  now: () => number,
): Sealed<Value> {
  return {
    seal(value, lifetimeMs) {
      const text = JSON.stringify({ value, until: now() + lifetimeMs });
      const sealed = encryption.encrypt(new TextEncoder().encode(text), use);
      return Buffer.from(sealed).toString("base64url");
    },
    tryOpen(text) {
      if (text === undefined) return undefined;
      try {
        const opened = encryption.decrypt(Buffer.from(text, "base64url"), use);
        const { value, until } = JSON.parse(new TextDecoder().decode(opened));
        return now() < until ? value : undefined;
      } catch {
        return undefined;
      }
    },
  };
}
