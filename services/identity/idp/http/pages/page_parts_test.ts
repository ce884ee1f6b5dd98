import { match, strictEqual } from "node:assert/strict";
import { describeUserAgent } from "./user_agent_text.ts";
import { qrCode } from "./qr_code.ts";

Deno.test("qrCode() draws squares without a style of its own", () => {
  const drawing = `${qrCode("otpauth://totp/a?secret=b", "Scan <this>")}`;
  match(drawing, /<svg class="qr" role="img" aria-label="Scan &lt;this&gt;"/);
  match(drawing, /d="(M\d+ \d+h1v1h-1z){100,}"/);
  strictEqual(/style=|<script/.test(drawing), false);
});

Deno.test("describeUserAgent() names browser and system, or says that it cannot", () => {
  for (
    const [userAgent, words] of [
      [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
        "Edge on Windows",
      ],
      [
        "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
        "Chrome on Android",
      ],
      [
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
        "Safari on macOS",
      ],
      [
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
        "Firefox on Linux",
      ],
      ["curl/8.5.0", "Another program"],
      [undefined, "Another program"],
    ] as const
  ) strictEqual(describeUserAgent(userAgent), words);
});
