/**
 * Sent where the URL holds no password and the server asks for one: nobody's, so
 * that it denies access.
 */
const NO_PASSWORD = crypto.randomUUID();

/**
 * A connection URL with what it leaves out: host localhost, port 5432, a
 * database of the user's name, no password. The driver would look for these in
 * variables of the environment and in files, which a service may not read, and
 * which would decide instead of its configuration.
 *
 * @throws {TypeError} If it is no URL, or names no user; without repeating it.
 */
export function wholeUrl(databaseUrl: string): string {
  const url = URL.parse(databaseUrl);
  if (url === null) {
    throw new TypeError("Cannot open PostgreSQL: its URL is not valid");
  }
  const { searchParams } = url;
  const add = (name: string, there: string, value: string) => {
    if (there === "" && !searchParams.get(name)) searchParams.set(name, value);
  };
  const user = searchParams.get("user") || url.username;
  if (user === "") {
    throw new TypeError("Cannot open PostgreSQL: its URL names no user");
  }
  add("host", url.hostname, "localhost");
  add("port", url.port, "5432");
  add("password", url.password, NO_PASSWORD);
  if (/^\/?$/.test(url.pathname)) url.pathname = `/${user}`;
  return url.href;
}
