/**
 * What every answer of an API tells a browser: take the type as it stands,
 * run and embed nothing, tell nobody where you were.
 *
 * A handler that serves pages sets a content security policy of its own: then
 * that and its other headers stand.
 *
 * @param options.secure Served over TLS: browsers come back by TLS for a year.
 */
export function securityHeaders(
  options: { readonly secure: boolean },
): ReadonlyArray<readonly [name: string, value: string]> {
  const headers: Array<readonly [string, string]> = [
    ["x-content-type-options", "nosniff"],
    ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
    ["referrer-policy", "no-referrer"],
  ];
  if (options.secure) {
    headers.push(["strict-transport-security", "max-age=31536000"]);
  }
  return headers;
}
