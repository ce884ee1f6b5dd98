import type { Decision } from "./authorization_request.ts";
import type { SecretHash } from "./bearer_secret.ts";
import type {
  DeviceAuthorization,
  DevicePoll,
  NewDeviceAuthorization,
} from "./device_authorization.ts";
import type { TokenRecord } from "./token.ts";

/** Keeps device authorizations. */
export interface DeviceStore {
  /** @returns False if the user code is taken: another one is made then. */
  create(
    device: NewDeviceAuthorization,
    keys: {
      readonly deviceHash: SecretHash;
      readonly userCodeHash: SecretHash;
    },
  ): Promise<boolean>;
  /** For the user: one that waits for its decision, none that has expired. */
  findByUserCode(
    userCodeHash: SecretHash,
  ): Promise<DeviceAuthorization | undefined>;
  /**
   * Records the user's decision, of which there is only ever one; an approval
   * makes the grant.
   *
   * @returns Whether this was the one: false for a code that is unknown,
   *   decided or expired, and for a session that is not good any more.
   */
  decide(
    userCodeHash: SecretHash,
    decision: Decision,
    grantExpiresAt: Date,
  ): Promise<boolean>;
  /**
   * A device's question, and that it was asked now: one that comes too early
   * makes it wait five seconds longer from then on (RFC 8628, 3.5).
   */
  poll(deviceHash: SecretHash, clientId: string): Promise<DevicePoll>;
  /**
   * Consumes an approved device code and adds the tokens that are given for it,
   * both or neither. Of any number of calls one succeeds.
   */
  redeem(
    deviceHash: SecretHash,
    tokens: readonly TokenRecord[],
  ): Promise<boolean>;
}
