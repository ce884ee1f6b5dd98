/**
 * In a statement's FROM: its commit does not wait for the disk. A crash of the
 * database may undo it, if it comes within a moment, but nothing committed
 * before it; and a later commit that waits makes sure of this one too.
 */
export const UNSYNCED =
  "(SELECT set_config('synchronous_commit', 'off', true)) unsynced";
