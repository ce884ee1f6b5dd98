import type { Grant } from "./grant.ts";

/** A device that waits for a user to approve it elsewhere (RFC 8628). */
export interface DeviceAuthorization {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly expiresAt: Date;
}

/** One that is to be. */
export interface NewDeviceAuthorization extends DeviceAuthorization {
  /** How long the device waits between its questions. */
  readonly intervalS: number;
}

/** What a device's question finds. */
export type DevicePoll =
  | {
    readonly state:
      | "unknown"
      | "pending"
      | "too-early"
      | "refused"
      | "expired"
      | "consumed";
  }
  | {
    readonly state: "approved";
    readonly resources: readonly string[];
    readonly grant: Pick<
      Grant,
      "id" | "userId" | "scopes" | "expiresAt"
    >;
    readonly authTime: Date;
    readonly acr: string;
    readonly amr: readonly string[];
  };
