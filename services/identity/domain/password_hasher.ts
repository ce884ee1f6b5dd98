/** Makes and checks password hashes, off the main thread. */
export interface PasswordHasher {
  /** @returns argon2id in the PHC string format. */
  hash(password: string): Promise<string>;
  /** Takes as long without `encoded`, and then says no. */
  verify(password: string, encoded: string | undefined): Promise<boolean>;
}
