import {
  deepStrictEqual as assertEquals,
  match,
  ok as assert,
  strictEqual,
} from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import { CONSOLE_PATHS } from "@mainstay/contracts/identity";
import { startIdentity } from "../tests/start_identity.ts";

Deno.test("the console's server serves its pages under a strict policy, its assets for ever, and its configuration", async () => {
  await using identity = await startIdentity({
    servers: ["spa"],
    env: { SPA_CLIENT_ID: "our-console" },
  });
  const { urls } = identity;
  const get = (path: string, headers: HeadersInit = {}) =>
    fetch(`${urls.spa}${path}`, { headers });

  const pages = await Promise.all(CONSOLE_PATHS.map(async (path) => {
    const response = await get(path);
    strictEqual(response.status, 200);
    strictEqual(response.headers.get("cache-control"), "no-store");
    const policy = response.headers.get("content-security-policy") ?? "";
    for (
      const rule of [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        `connect-src 'self' ${urls.authz} ${urls.idp} ${urls.rs}`,
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
      ]
    ) assert(policy.split("; ").includes(rule), `${rule} in ${policy}`);
    assert(!/unsafe|\*/.test(policy), policy);
    strictEqual(response.headers.get("referrer-policy"), "no-referrer");
    strictEqual(response.headers.get("x-content-type-options"), "nosniff");
    return await response.text();
  }));

  const [page = ""] = pages;
  strictEqual(new Set(pages).size, 1);
  // What the policy would not let run must not be there.
  assert(!/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/.test(page), page);
  const assets = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)]
    .map(([, path = ""]) => path);
  strictEqual(assets.length, 3);
  for (const path of assets) {
    const first = await get(path);
    strictEqual(first.status, 200);
    strictEqual(
      first.headers.get("cache-control"),
      "public, max-age=31536000, immutable",
    );
    match(
      first.headers.get("content-type") ?? "",
      /^(text\/javascript; charset=utf-8|text\/css; charset=utf-8|image\/svg\+xml)$/,
    );
    const text = await first.text();
    strictEqual(first.headers.get("content-encoding"), "gzip");
    match(first.headers.get("vary") ?? "", /Accept-Encoding/i);
    const plain = await get(path, { "accept-encoding": "gzip;q=0, identity" });
    strictEqual(plain.headers.get("content-encoding"), null);
    strictEqual(await plain.text(), text);
    const again = await get(path, {
      "if-none-match": first.headers.get("etag") ?? "",
    });
    strictEqual(again.status, 304);
    strictEqual(await again.text(), "");
  }

  for (
    const path of ["/assets/none.js", "/assets/..%2findex.html", "/.stamp"]
  ) {
    const response = await get(path);
    strictEqual(response.status, 404, path);
    await response.body?.cancel();
  }
  // A person is told by the console itself.
  const lost = await get("/nowhere/at/all", { accept: "text/html,*/*;q=0.8" });
  strictEqual(lost.status, 404);
  strictEqual(await lost.text(), page);
  match(lost.headers.get("content-security-policy") ?? "", /script-src 'self'/);
  assertEquals(await (await get("/config.json")).json(), {
    issuer: urls.authz,
    clientId: "our-console",
    resourceServer: urls.rs,
    identityProvider: urls.idp,
  });
});

Deno.test("the console's server says what it waits for, and is ready once that is there", async () => {
  await using identity = await startIdentity({ servers: ["spa"] });
  const { urls, log } = identity;
  const health = async () => {
    const response = await fetch(`${urls.spa}/health`);
    return { status: response.status, body: await response.json() };
  };

  strictEqual((await health()).status, 503);
  await eventually(
    "it says what it waits for",
    () =>
      ["authz", "idp"].every((name) =>
        log.some((line) => line.includes(`Waiting for ${urls[name as "idp"]}`))
      ),
  );

  const answer = () => new Response("ok");
  const port = (url: string) => Number(new URL(url).port);
  const options = { hostname: "localhost", onListen: () => {} };
  await using _authz = Deno.serve(
    { ...options, port: port(urls.authz) },
    answer,
  );
  const idp = Deno.serve({ ...options, port: port(urls.idp) }, answer);
  await eventually("it is ready", async () => (await health()).status === 200);
  assertEquals((await health()).body, { status: "ok", service: "spa-rp" });

  // Pages go on being served when another server is gone.
  await idp.shutdown();
  await eventually("the loss is noticed", async () => {
    const response = await fetch(`${urls.spa}/ready?verbose`);
    return (await response.text()).includes("idp") && response.status === 200 &&
      log.some((line) => line.includes("Check idp is degraded"));
  });
  strictEqual((await health()).status, 200);
});

Deno.test("the console's server refuses to start without a built console", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await startIdentity({ servers: ["spa"], env: { CONSOLE_FOLDER: folder } })
      .then(
        async (started) => {
          await started[Symbol.asyncDispose]();
          assert(false, "it started");
        },
        (failure) => match(`${failure}`, /Cannot serve the console/),
      );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
