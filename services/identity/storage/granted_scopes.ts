/**
 * Of the scopes `$4`, what the user `u` can give: `admin` is for administrators
 * alone, whatever a client asks for and a user agrees to.
 */
export const GRANTED_SCOPES =
  `CASE WHEN u.administrator THEN $4 ELSE array_remove($4::text[], 'admin') END`;
