import { servedBy } from "../child_program.ts";
import { codeFlowLoad } from "../code_flow.ts";
import {
  DISCOVERY_PATH,
  type IdentityUnderLoad,
  serveMainstayIdentity,
  serveOidcProvider,
} from "../identity_servers.ts";
import type { Contender, Suite } from "../measurement.ts";
import { installPeers, peerNode } from "../node_peers.ts";

const load = { connections: 32, seconds: 3 };
const contentType = "application/x-www-form-urlencoded";
const PEER = "oidc-provider";

/** Every question to one server; names are those of the rows. */
function questions(name: string, server: IdentityUnderLoad): Contender[] {
  const { ask } = server;
  return [
    ask(`token: ${name}`, {
      ...load,
      contentType,
      path: server.tokenPath,
      body: server.tokenForm,
    }),
    ask(`introspect: ${name}`, {
      ...load,
      contentType,
      path: server.introspectionPath,
      body: server.introspectionForm,
    }),
    ask(`jwks: ${name}`, { ...load, path: server.jwksPath }),
    ask(`discovery: ${name}`, { ...load, path: DISCOVERY_PATH }),
    servedBy(
      `code flow: ${name}`,
      server.pids,
      codeFlowLoad(server.flow, { users: 8, seconds: load.seconds }),
    ),
  ];
}

/** The authorization server beside the one that is certified and widely used. */
export const identitySuite: Suite = {
  name: "identity",
  question:
    "What does the authorization server cost a request, with 32 kept-alive connections? (Ours keeps everything in a PostgreSQL that syncs what is handed out to disk; oidc-provider keeps it in memory, and introspects opaque tokens only. A code flow is that of a user who is signed in: ours is four requests over two servers, oidc-provider's two; both processes count.)",
  unit: "requests",
  async open(stack) {
    const servers: Array<readonly [string, IdentityUnderLoad]> = [
      ["mainstay", await serveMainstayIdentity(stack)],
    ];
    const peers = await installPeers();
    if (peers !== undefined) {
      const file = `${peers}/oidc_provider.js`;
      const deno = await serveOidcProvider(stack, (port) => ({
        command: Deno.execPath(),
        args: [
          ...["run", "-A", "--no-config", "--node-modules-dir=manual"],
          ...[file, String(port)],
        ],
      }));
      const { command, version } = await peerNode(peers);
      const node = await serveOidcProvider(stack, (port) => ({
        command,
        args: [file, String(port)],
      }));
      servers.push([`${PEER} on Deno`, deno]);
      servers.push([`${PEER} on Node ${version}`, node]);
    }
    const rows = servers.map(([name, server]) => questions(name, server));
    // By question, so that what is compared is measured one after the other.
    return rows[0]!.flatMap((_, at) => rows.map((row) => row[at]!));
  },
  targets: ["token", "introspect", "jwks", "discovery", "code flow"].map(
    (question) => ({
      of: `${question}: mainstay`,
      against: `${question}: ${PEER} on Deno`,
      figure: "rate",
      atLeast: question === "code flow" ? 0.5 : 1,
    }),
  ),
};
