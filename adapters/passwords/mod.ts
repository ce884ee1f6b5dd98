/**
 * Password hashes, made off the main thread.
 *
 * @module
 */
export {
  createPasswordHasher,
  HashingOverloaded,
  type PasswordHasher,
  type PasswordHasherOptions,
} from "./create_password_hasher.ts";
