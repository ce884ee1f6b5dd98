import { type Readable, writable } from "svelte/store";
import { pageOf, type Path } from "./page_paths.ts";

const current = writable<string>(location.pathname);

/** Where the console is: a {@link Path}, or whatever else stands in the address bar. */
export const place: Readable<string> = current;

/** Goes to a page of the console, without loading anything. */
export function navigate(
  to: Path,
  options: { readonly replace?: boolean } = {},
): void {
  if (options.replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  current.set(to);
}

/** Follows the back and forward buttons. */
export function followHistory(): void {
  addEventListener("popstate", () => current.set(location.pathname));
}

/** Makes a link to a page go there without loading it; modified clicks stay the browser's. */
export function follow(event: MouseEvent): void {
  if (
    event.defaultPrevented || event.button !== 0 || event.metaKey ||
    event.ctrlKey || event.shiftKey || event.altKey
  ) return;
  const link = (event.target as Element).closest("a");
  const page = link?.origin === location.origin && pageOf(link.pathname);
  if (!page || link.target !== "") return;
  event.preventDefault();
  navigate(page);
}
