import type { Module } from "@mainstay/kernel/lifecycle";
import type { LocalStack } from "@mainstay/tools/local_stack";
import type { CommandIo } from "../command.ts";
import type { PreparedIdentity } from "./prepare_identity.ts";
import type { PreparedMeshhook } from "./prepare_meshhook.ts";
import type { Place } from "./up_services.ts";

/** What there is to tell. */
export interface AnnouncementOptions {
  readonly places: ReadonlyMap<string, Place>;
  readonly stack: LocalStack;
  readonly identity: PreparedIdentity | undefined;
  readonly meshhook: PreparedMeshhook | undefined;
  readonly io: CommandIo;
  readonly startedAt: number;
}

/** Tells the person what runs, once all of it does. */
export function createAnnouncement(
  { places, stack, identity, meshhook, io, startedAt }: AnnouncementOptions,
): { moduleFor(name: string): Module } {
  const missing = new Set(places.keys());
  const urls = [...places].map(([name, place]) => ({
    name,
    url: `http://${hostOf(place)}:${place.servicePort}`,
    adminUrl: `https://${place.adminHost}:${place.adminPort}`,
  }));

  function announce(): void {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const rows = [
      ...urls.map((
        { name, url, adminUrl },
      ) => [name, url, `admin ${adminUrl}`]),
      ...stack.members.map(({ name, address, origin }) => [
        name,
        address,
        origin,
      ]),
    ];
    const tries = suggestions(places, { identity, meshhook });
    io.print(`
Up in ${seconds} s. Ctrl-C ends everything in order.

${rows.map((row) => `  ${columns(row)}`).join("\n")}
${tries.length === 0 ? "" : `\nTry:\n\n${tries.join("\n\n")}\n`}`);
    io.emit({ services: urls, servers: stack.members });
  }

  return {
    moduleFor: (name) => ({
      name: "announcement",
      setup: () => ({
        background: [{
          name: "announcement",
          start() {
            missing.delete(name);
            if (missing.size === 0) announce();
          },
        }],
      }),
    }),
  };
}

function suggestions(
  places: ReadonlyMap<string, Place>,
  { identity, meshhook }: Pick<AnnouncementOptions, "identity" | "meshhook">,
): string[] {
  const events = places.get("events");
  const authz = places.get("authz");
  const spa = places.get("spa");
  const demo = identity?.demo;
  const hook = places.get("meshhook");
  const webhook = meshhook?.demo;
  return [
    ...(spa === undefined || demo === undefined ? [] : [
      `  Sign in at http://localhost:${spa.servicePort}/ as ${demo.username} with ${demo.password}`,
    ]),
    ...(events === undefined ? [] : [
      `  curl -i http://${
        hostOf(events)
      }:${events.servicePort}/events -H 'Content-Type: application/json' \\
    -d '{"event":"order.created","aggregateId":"order-1","data":{"total":42}}'`,
    ]),
    ...(authz === undefined || demo === undefined ? [] : [
      `  curl http://localhost:${authz.servicePort}/oauth2/v1/token -d grant_type=client_credentials \\
    -d client_id=${demo.clientId} -d client_secret=${demo.clientSecret}`,
    ]),
    ...(hook === undefined || webhook === undefined || events === undefined
      ? []
      : [
        `  npx --yes deno@2.9.6 task mainstay meshhook runs watch   # in another terminal, and then:
  curl -i http://localhost:${hook.servicePort}${webhook.hookPath} -H 'Content-Type: application/json' \\
    --data-binary '@${webhook.payloadPath}' \\
    -H 'X-Hub-Signature-256: sha256=${webhook.signature}'`,
      ]),
  ];
}

/** Browsers and issuers go by the name. */
function hostOf({ serviceHost }: Place): string {
  return serviceHost === "127.0.0.1" ? "localhost" : serviceHost;
}

function columns([name = "", address = "", origin = ""]: string[]): string {
  return `${name.padEnd(10)}${address.padEnd(26)}${origin}`;
}
