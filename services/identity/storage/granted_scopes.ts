/**
 * Of scopes, what the user `u` can give: `admin` is for administrators alone,
 * whatever a client asks for and a user agrees to.
 *
 * @param scopes An expression of the type `text[]`.
 */
export function grantableOf(scopes: string): string {
  return `CASE WHEN u.administrator THEN ${scopes}
    ELSE array_remove(${scopes}, 'admin') END`;
}
