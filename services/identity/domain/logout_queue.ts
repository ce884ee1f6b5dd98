/** A client that is to be told that a session has ended. */
export interface LogoutDelivery {
  readonly id: string;
  readonly clientId: string;
  readonly userId: string;
  readonly sessionId: string;
  /** This one included. */
  readonly attempts: number;
}

/** Keeps who is still to be told, for a day. Ended sessions put it there. */
export interface LogoutQueue {
  /**
   * Takes deliveries that are due, for this process alone until `busyUntil`:
   * one whose process dies is made by another.
   */
  takeDue(limit: number, busyUntil: Date): Promise<readonly LogoutDelivery[]>;
  delivered(id: string): Promise<void>;
  failed(id: string, nextAttemptAt: Date): Promise<void>;
}
