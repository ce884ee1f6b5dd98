/** A page of the console, by its path. */
export type Path = "/" | "/resources" | "/sessions" | "/status";

/** What each page is called: in the menu, as its heading and in the title bar. */
export const PAGES: Readonly<Record<Path, string>> = {
  "/": "Account",
  "/resources": "Resources",
  "/sessions": "Sessions",
  "/status": "Status",
};

/** The page that a path shows; undefined if it shows none. */
export function pageOf(path: string): Path | undefined {
  const plain = path.length > 1 ? path.replace(/\/+$/, "") || "/" : path;
  return Object.hasOwn(PAGES, plain) ? plain as Path : undefined;
}
