import type { Attack } from "./attack.ts";
import { mustHold, mustRefuse } from "./expectations.ts";
import { approved, fields, parametersOf } from "./honest_client.ts";
import type { Changes, Target, TargetClient } from "./target.ts";

async function push(
  target: Target,
  client: TargetClient,
  changes: Changes = {},
): Promise<string> {
  const parameters = parametersOf(client, changes);
  for (const [name, value] of Object.entries(await client.credentials())) {
    parameters.set(name, value);
  }
  const answer = await target.post("par", parameters);
  mustHold(answer.status === 201, `cannot push: ${answer.text}`);
  return answer.body.request_uri;
}

function withPushed(client: TargetClient, uri: string): URLSearchParams {
  return fields({ client_id: client.id, request_uri: uri });
}

async function mustStay(
  target: Target,
  parameters: URLSearchParams,
): Promise<void> {
  const { location, status } = await target.visit(parameters);
  mustHold(location === undefined, `it was sent to ${location}`);
  mustHold(status === 400, `it was answered with ${status}`);
}

/** What pushed requests are tried with (RFC 9126). */
export const parAttacks: readonly Attack[] = [
  {
    name: "use a pushed request twice",
    async run(target) {
      const uri = await push(target, target.web);
      const parameters = withPushed(target.web, uri);
      const location = await approved(target, parameters);
      mustHold(location.searchParams.has("code"), `it ended at ${location}`);
      await mustStay(target, parameters);
    },
  },
  {
    name: "use another client's pushed request",
    async run(target) {
      // The first has registered the same address.
      for (const client of [target.signer, target.other, target.native]) {
        const uri = await push(target, target.web);
        await mustStay(target, withPushed(client, uri));
        const location = await approved(target, withPushed(target.web, uri));
        mustHold(location.searchParams.has("code"), `it ended at ${location}`);
      }
    },
  },
  {
    name: "use a pushed request that was guessed, or is elsewhere",
    async run(target) {
      const prefix = "urn:ietf:params:oauth:request_uri:";
      for (const uri of [`${prefix}${"a".repeat(43)}`, prefix]) {
        await mustStay(target, withPushed(target.web, uri));
      }
      const elsewhere = withPushed(target.web, "https://evil.example/request");
      await mustStay(target, elsewhere);
    },
  },
  {
    name: "change a pushed request on its way",
    async run(target) {
      const uri = await push(target, target.web, { scope: "openid" });
      const parameters = withPushed(target.web, uri);
      parameters.set("scope", "openid write:resource");
      parameters.set("redirect_uri", "https://evil.example/");
      parameters.set("state", "evil");
      const location = await approved(target, parameters);
      mustHold(
        `${location.origin}${location.pathname}` === target.web.redirectUri &&
          location.searchParams.get("state") === "a state",
        `it ended at ${location}`,
      );
    },
  },
  {
    name: "push without showing who one is",
    async run(target) {
      const parameters = parametersOf(target.web);
      mustRefuse(await target.post("par", parameters), "invalid_client");
      parameters.set("client_secret", "x");
      mustRefuse(await target.post("par", parameters), "invalid_client");
    },
  },
  {
    name: "push a request for a request",
    async run(target) {
      const parameters = parametersOf(target.web, {
        ...await target.web.credentials(),
        request_uri: "urn:ietf:params:oauth:request_uri:x",
      });
      mustRefuse(
        await target.post("par", parameters),
        "invalid_request",
        "request_uri_not_supported",
      );
    },
  },
];
