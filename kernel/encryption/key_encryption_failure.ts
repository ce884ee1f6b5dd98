import { OperationalError } from "../errors/operational_error.ts";

/** Something that was encrypted cannot be read. */
export class KeyEncryptionFailure
  extends OperationalError<"key-encryption-failure"> {
  constructor(why: "unknown" | "damaged", keyId: string, cause?: unknown) {
    super(
      "key-encryption-failure",
      why === "unknown"
        ? `Cannot decrypt: KEY_ENCRYPTION_KEYS lacks the key ${keyId}`
        : "Cannot decrypt: what was kept is damaged or from elsewhere",
      { facts: { keyId }, cause },
    );
  }
}
