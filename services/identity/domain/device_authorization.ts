import type { Decision } from "./authorization_request.ts";

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
  | { readonly state: "unknown" | "pending" | "too-early" | "expired" }
  | { readonly state: "consumed"; readonly grantId: string }
  | {
    readonly state: "decided";
    readonly device: DeviceAuthorization;
    readonly decision: Decision;
    /** Of an approval. */
    readonly grantId?: string;
    readonly grantExpiresAt?: Date;
  };
