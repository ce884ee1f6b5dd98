import type { Route } from "@mainstay/kernel/lifecycle";

/** Where each server serves it, for its own pages. */
export const STYLESHEET_PATH = "/assets/style.css";

const SHEET = `
:root {
  color-scheme: light dark;
  --page: #f4f5f7;
  --card: #ffffff;
  --text: #1b1f24;
  --quiet: #57606a;
  --line: #d5d9de;
  --field: #8c959f;
  --accent: #0b5cad;
  --accent-text: #ffffff;
  --bad: #b3261e;
  --bad-page: #fdecea;
  --good: #1a6b35;
  --good-page: #e7f5eb;
  --ring: #0b5cad66;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1216;
    --card: #191e24;
    --text: #e8ebee;
    --quiet: #a3adb8;
    --line: #333b45;
    --field: #717c88;
    --accent: #7cb8ff;
    --accent-text: #0b1e33;
    --bad: #ffaaa2;
    --bad-page: #3a1a18;
    --good: #8fdba8;
    --good-page: #14301d;
    --ring: #7cb8ff66;
  }
}
* { box-sizing: border-box; }
html { font-size: 100%; -webkit-text-size-adjust: 100%; }
body {
  margin: 0;
  min-height: 100vh;
  display: flex;
  flex-direction: column;
  background: var(--page);
  color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
    sans-serif;
}
header, footer { padding: 1rem 1.25rem; color: var(--quiet); }
header { display: flex; gap: 1rem; justify-content: space-between; align-items: center; flex-wrap: wrap; }
footer { font-size: 0.875rem; text-align: center; }
.brand { font-weight: 600; color: var(--text); text-decoration: none; }
main {
  flex: 1;
  width: 100%;
  max-width: 27rem;
  margin: 0 auto;
  padding: 0.5rem 1.25rem 2rem;
}
main.wide { max-width: 42rem; }
@media (min-width: 40rem) { main { padding-top: 6vh; } main.wide { padding-top: 2rem; } }
.card {
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 0.75rem;
  padding: 1.5rem;
  margin-bottom: 1.25rem;
}
.card > :last-child, .card > form:last-child > :last-child { margin-bottom: 0; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.5rem; }
main.wide > h1 { margin-bottom: 1rem; }
h2 { font-size: 1.125rem; line-height: 1.3; margin: 0 0 0.75rem; }
p { margin: 0 0 1rem; }
.quiet { color: var(--quiet); }
.small { font-size: 0.875rem; }
a { color: var(--accent); text-underline-offset: 0.15em; }
form { margin: 0; }
label { display: block; font-weight: 600; margin-bottom: 0.25rem; }
.field { margin-bottom: 1.125rem; }
.hint { display: block; color: var(--quiet); font-size: 0.875rem; margin-top: 0.25rem; }
input[type="text"], input[type="password"], input[type="email"] {
  width: 100%;
  min-height: 2.75rem;
  padding: 0.5rem 0.75rem;
  font: inherit;
  color: inherit;
  background: var(--card);
  border: 1px solid var(--field);
  border-radius: 0.5rem;
}
input.code {
  font: 1.25rem/1.5 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace;
  letter-spacing: 0.12em;
}
:focus-visible { outline: 3px solid var(--ring); outline-offset: 2px; }
input:focus-visible { border-color: var(--accent); outline-offset: 0; }
button, .button {
  display: inline-block;
  min-height: 2.75rem;
  padding: 0.5rem 1.125rem;
  font: inherit;
  font-weight: 600;
  text-align: center;
  text-decoration: none;
  color: var(--accent-text);
  background: var(--accent);
  border: 1px solid transparent;
  border-radius: 0.5rem;
  cursor: pointer;
}
button:hover, .button:hover { filter: brightness(1.08); }
button.second, .button.second { color: var(--text); background: transparent; border-color: var(--field); }
button.danger { color: var(--bad); background: transparent; border-color: var(--bad); }
button.full { width: 100%; }
.actions { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: center; }
.actions > * { flex: 1 1 auto; }
.or { display: flex; align-items: center; gap: 0.75rem; color: var(--quiet); margin: 1.125rem 0; font-size: 0.875rem; }
.or::before, .or::after { content: ""; flex: 1; border-top: 1px solid var(--line); }
.notice { padding: 0.75rem 1rem; border-radius: 0.5rem; margin-bottom: 1.125rem; border: 1px solid currentColor; }
.notice.bad { color: var(--bad); background: var(--bad-page); }
.notice.good { color: var(--good); background: var(--good-page); }
.notice p:last-child { margin: 0; }
ul.plain { list-style: none; margin: 0 0 1rem; padding: 0; }
ul.plain > li { padding: 0.75rem 0; border-top: 1px solid var(--line); }
ul.plain > li:first-child { border-top: 0; }
.row { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; justify-content: space-between; align-items: center; }
.row > :first-child { flex: 1 1 14rem; min-width: 0; overflow-wrap: anywhere; }
.tag { display: inline-block; font-size: 0.8125rem; font-weight: 600; padding: 0 0.5rem; border: 1px solid currentColor; border-radius: 1rem; color: var(--good); }
.codes { font: 1.0625rem/1.9 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; columns: 2 12rem; list-style: none; padding: 0; margin: 0 0 1rem; }
code, .mono { font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.qr { display: block; width: 13rem; max-width: 100%; height: auto; margin: 0 auto 1rem; border-radius: 0.5rem; }
details { margin-bottom: 1rem; }
summary { cursor: pointer; }
[hidden], [data-message]:empty { display: none; }
[data-message] { margin: 0.75rem 0 0; color: var(--bad); }
.links { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; justify-content: space-between; margin-bottom: 1.25rem; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: 0.5rem 1rem; }
@media (prefers-reduced-motion: no-preference) { button, .button { transition: filter 0.15s; } }
`.trim() + "\n";

/** The one stylesheet of all pages: light and dark, from a phone up. */
export const stylesheetRoute: Route = {
  method: "GET",
  path: STYLESHEET_PATH,
  handle: () =>
    new Response(SHEET, {
      headers: {
        "content-type": "text/css; charset=utf-8",
        "cache-control": "public, max-age=3600",
      },
    }),
};
