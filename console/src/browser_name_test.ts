import { strictEqual } from "node:assert/strict";
import { browserName } from "./browser_name.ts";

const CHROME =
  "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36";

Deno.test("browserName() tells browsers apart that all say Safari", () => {
  const names: ReadonlyArray<readonly [string | null, string]> = [
    [null, "Unknown browser"],
    ["curl/8.0", "Unknown browser"],
    [`Mozilla/5.0 (X11; Linux x86_64) ${CHROME}`, "Chrome on Linux"],
    [`Mozilla/5.0 (Linux; Android 16) ${CHROME}`, "Chrome on Android"],
    [`Mozilla/5.0 (Windows NT 10.0) ${CHROME} Edg/150.0`, "Edge on Windows"],
    [
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 15.0; rv:140.0) Gecko/20100101 Firefox/140.0",
      "Firefox on macOS",
    ],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1",
      "Safari on iPhone",
    ],
  ];
  for (const [userAgent, name] of names) {
    strictEqual(browserName(userAgent), name);
  }
});
