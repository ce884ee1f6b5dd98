import type { Route } from "@mainstay/kernel/lifecycle";

const ICON =
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b5cad"/><path d="M8 24V8l8 9 8-9v16" fill="none" stroke="#fff" stroke-width="3.5" stroke-linejoin="round"/></svg>\n`;

/** What browsers ask of every site that has pages. */
export const faviconRoute: Route = {
  method: "GET",
  path: "/favicon.ico",
  handle: () =>
    new Response(ICON, {
      headers: {
        "content-type": "image/svg+xml",
        "cache-control": "public, max-age=86400",
      },
    }),
};
