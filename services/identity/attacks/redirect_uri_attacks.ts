import type { Attack } from "./attack.ts";
import { mustHold, mustRefuse } from "./expectations.ts";
import { fields, parametersOf } from "./honest_client.ts";
import type { Target, TargetClient } from "./target.ts";

/** No redirect, whatever comes: neither to the address nor with an error. */
async function mustStay(
  target: Target,
  client: TargetClient,
  parameters: URLSearchParams,
): Promise<void> {
  const { location, status, text } = await target.visit(parameters);
  const given = parameters.getAll("redirect_uri").join(" and ");
  mustHold(location === undefined, `${given} was sent to ${location}`);
  mustHold(status === 400, `${given} was answered with ${status}`);
  mustHold(
    !text.includes("http-equiv") && !text.includes("<form"),
    `${given} was answered with a page that leads on`,
  );
  const pushed = new URLSearchParams(parameters);
  const credentials = await client.credentials();
  for (const [name, value] of Object.entries(credentials)) {
    pushed.set(name, value);
  }
  mustRefuse(await target.post("par", pushed), "invalid_request");
}

/** Addresses that are like the registered `https://app.example/cb`, by what they try. */
const ALIKE: Readonly<Record<string, readonly string[]>> = {
  "a longer path": ["https://app.example/cb/evil", "https://app.example/cbx"],
  "the address inside of another": [
    "https://evil.example/?https://app.example/cb",
    "https://evil.example/https://app.example/cb",
  ],
  "a longer host": [
    "https://app.example.evil.example/cb",
    "https://app.examples/cb",
  ],
  "a host below": ["https://evil.app.example/cb"],
  "the host as a user": [
    "https://app.example@evil.example/cb",
    "https://app.example:x@evil.example/cb",
    "https://user@app.example/cb",
  ],
  "a fragment": ["https://app.example/cb#", "https://app.example/cb#evil"],
  "a query": ["https://app.example/cb?", "https://app.example/cb?next=evil"],
  "a trailing slash": ["https://app.example/cb/"],
  "another case": [
    "https://APP.example/cb",
    "https://app.example/CB",
    "HTTPS://app.example/cb",
  ],
  "an encoded character": [
    "https://app.example%2Fcb",
    "https://app.example/%63b",
    "https://app.example/cb%2f..%2fevil",
  ],
  "a step up": [
    "https://app.example/cb/../evil",
    "https://app.example/x/../cb",
    "https://app.example/cb/..",
  ],
  "a backslash": [
    "https://evil.example\\@app.example/cb",
    "https://app.example\\.evil.example/cb",
  ],
  "a port": ["https://app.example:443/cb", "https://app.example:8443/cb"],
  "another scheme": ["http://app.example/cb", "app.example://cb"],
  "a script": [
    "javascript:alert(1)",
    "javascript://app.example/cb%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
  ],
  "spaces and line ends": [
    " https://app.example/cb",
    "https://app.example/cb ",
    "https://app.example/cb\n",
    "https://app.example/cb\tx",
  ],
  "no scheme": ["//app.example/cb", "/cb", "app.example/cb", ""],
  "letters that look alike": ["https://аpp.example/cb"],
};

/** Addresses that are like the registered `http://127.0.0.1/cb`, whose port is free. */
const LOOPBACK_ALIKE = [
  "http://127.0.0.1.evil.example/cb",
  "http://127.0.0.1:80@evil.example/cb",
  "http://127.0.0.1:99999/cb",
  "http://127.0.0.1:0/cb",
  "http://127.0.0.1:80/evil",
  "http://localhost/cb",
  "http://127.1/cb",
  "http://2130706433/cb",
  "http://[::1]/cb",
  "https://127.0.0.1/cb",
];

/** Where codes could be made to go (RFC 9700, 4.1). */
export const redirectUriAttacks: readonly Attack[] = [
  ...Object.entries(ALIKE).map(([what, uris]): Attack => ({
    name: `send a code to an address with ${what}`,
    async run(target) {
      for (const uri of uris) {
        const parameters = parametersOf(target.web, { redirect_uri: uri });
        await mustStay(target, target.web, parameters);
      }
    },
  })),
  {
    name: "send a code to an address that is given twice",
    async run(target) {
      const { redirectUri } = target.web;
      for (
        const both of [
          [redirectUri, "https://evil.example/"],
          ["https://evil.example/", redirectUri],
          [redirectUri, redirectUri],
        ]
      ) {
        const parameters = parametersOf(target.web, {
          redirect_uri: undefined,
        });
        for (const uri of both) parameters.append("redirect_uri", uri);
        await mustStay(target, target.web, parameters);
      }
    },
  },
  {
    name: "send a code to no address",
    async run(target) {
      const parameters = parametersOf(target.web, { redirect_uri: undefined });
      await mustStay(target, target.web, parameters);
    },
  },
  {
    name: "send a code to another client's address",
    async run(target) {
      const { redirectUri } = target.other;
      await mustStay(
        target,
        target.web,
        parametersOf(target.web, { redirect_uri: redirectUri }),
      );
    },
  },
  {
    name: "send a code to an address that is like loopback",
    async run(target) {
      for (const uri of LOOPBACK_ALIKE) {
        const parameters = parametersOf(target.native, { redirect_uri: uri });
        await mustStay(target, target.native, parameters);
      }
      const honest = parametersOf(target.native, {
        redirect_uri: "http://127.0.0.1:49152/cb",
      });
      const { location } = await target.visit(honest);
      mustHold(
        location?.searchParams.has("login_challenge") === true,
        "a free port of loopback is refused",
      );
    },
  },
  {
    name: "be redirected as a client that does not exist",
    async run(target) {
      const parameters = parametersOf(target.web, { client_id: "nobody" });
      const { location, status } = await target.visit(parameters);
      mustHold(location === undefined, `it was sent to ${location}`);
      mustHold(status === 400, `it was answered with ${status}`);
    },
  },
  {
    name: "be redirected away from the page behind the sign-in",
    async run(target) {
      const { location } = await target.visit(fields({
        login_challenge: "https://evil.example/",
        login_verifier: "https://evil.example/",
        redirect_uri: "https://evil.example/",
      }));
      mustHold(location === undefined, `it was sent to ${location}`);
    },
  },
];
