/** The authorization server's pages in a real browser. */
import { deepStrictEqual as assertEquals, match } from "node:assert/strict";
import { findChromium } from "@mainstay/tools/local_stack";
import { addClient } from "../tests/arrange.ts";
import { authorizeUrl } from "../tests/accounts.ts";
import {
  accessibilityFaults,
  setConsoleStage,
  signInAsAda,
} from "../tests/console_stage.ts";

const chromium = await findChromium();

Deno.test({
  name: "an answer by form reaches its client, and a refusal is a page for all",
  ignore: chromium === undefined,
  // Playwright's own sockets and timers outlive a step.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using stage = await setConsoleStage(chromium!);
    const { identity, openTab } = stage;
    const received: string[] = [];
    const server = Deno.serve(
      { hostname: "localhost", port: 0, onListen() {} },
      async (request) => {
        if (request.method === "POST") received.push(await request.text());
        return new Response("Welcome");
      },
    );
    await using _server = { [Symbol.asyncDispose]: () => server.shutdown() };
    const callback = `http://localhost:${server.addr.port}/cb`;
    await addClient(identity, { firstParty: true, redirectUris: [callback] });
    const byForm = { redirect_uri: callback, response_mode: "form_post" };

    const { page, violations, errors } = await openTab();
    await page.goto(authorizeUrl(identity, byForm));
    await signInAsAda(page);
    await page.getByText("Welcome").waitFor();
    match(received[0] ?? "", /^code=[\w-]{43}&state=a\+state&iss=http/);
    assertEquals([violations, errors], [[], []]);

    const plain = await openTab({ javaScriptEnabled: false });
    await plain.page.goto(authorizeUrl(identity, byForm));
    await signInAsAda(plain.page);
    await plain.page.getByRole("button", { name: "Continue" }).click();
    await plain.page.getByText("Welcome").waitFor();
    match(received[1] ?? "", /^code=/);

    await page.goto(authorizeUrl(identity, { redirect_uri: `${callback}/` }));
    await page.getByRole("heading", { name: "Cannot sign in" }).waitFor();
    assertEquals(await accessibilityFaults(page), []);
    assertEquals([violations, errors], [[], []]);
  },
});
