/** `${NAME}`, `${NAME:-default}`, and `$${` for a plain `${`. */
const PLACE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/** Text with its variables filled in, and the names of those that were not set. */
export interface Interpolated {
  readonly text: string;
  readonly missing: readonly string[];
}

/**
 * Fills in `${NAME}` and `${NAME:-default}`, as a shell does: an empty variable
 * counts as not set. `$${` stands for a plain `${`. Values are not filled in
 * again.
 */
export function interpolate(
  text: string,
  lookUp: (name: string) => string | undefined,
): Interpolated {
  const missing: string[] = [];
  const filled = text.replace(
    PLACE,
    (place, name?: string, fallback?: string) => {
      if (name === undefined) return "${";
      const value = lookUp(name) || fallback;
      if (value === undefined) missing.push(name);
      return value ?? place;
    },
  );
  return { text: filled, missing };
}
