const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * An id as a column of uuids is compared with: null, which is none of them, for
 * what can be no id. The column stays as it is, and so its index serves.
 */
export function uuidOrNull(text: string): string | null {
  return UUID.test(text) ? text : null;
}
