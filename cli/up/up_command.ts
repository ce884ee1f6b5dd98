import { readConfig } from "@mainstay/kernel/config";
import { OperationalError } from "@mainstay/kernel/errors";
import { type Module, run } from "@mainstay/kernel/lifecycle";
import {
  type EventsConfig,
  eventsService,
  eventsSettings,
} from "@mainstay/events";
import { redisStorage } from "@mainstay/events/storage";
import { type LocalStack, startLocalStack } from "@mainstay/tools/local_stack";
import { type CommandIo, defineCommand } from "../command.ts";

/** What a service is called and where it is administered when all run on one host. */
const DEFAULTS = { SERVICE_NAME: "events", ADMIN_PORT: "9094" } as const;

/** Makes a configuration whole before the servers that it names are there. */
const PLACEHOLDERS = { REDIS_HOST: "127.0.0.1", REDIS_PORT: "6379" } as const;

/** `mainstay up`: the services and the servers that they stand on, in one process. */
export const upCommand = defineCommand({
  name: "up",
  summary: "Run all services on this machine until Ctrl-C",
  help:
    `Runs the events service, and a Redis for it unless REDIS_HOST names one.

A private Redis listens on 127.0.0.1 with a password, keeps its data in
.mainstay/ and ends with this command, also after a crash of it. Where no
redis-server or valkey-server is on PATH, Debian's and Ubuntu's own package is
unpacked below .mainstay/; nothing is installed on the system.

The service reads its usual variables: SERVICE_PORT (8000), ADMIN_PORT (9094),
LOG_LEVEL, API_KEYS and the rest of .env.example. Its log goes to standard
error. Ctrl-C ends the service in order, then Redis.

With --json, the document says what runs and where, once it does.`,
  examples: ["mainstay up", "SERVICE_PORT=8100 LOG_FORMAT=json mainstay up"],
  async run(_input, io) {
    const startedAt = performance.now();
    const env = { ...DEFAULTS, ...withoutEmpty(Deno.env.toObject()) };
    const planned = readConfig(eventsSettings, {
      args: [],
      env: { ...PLACEHOLDERS, ...env },
    });
    requireFreePorts(planned);
    const stack = await startLocalStack({
      needs: ["redis"],
      report: (line) => io.note(line),
    });
    try {
      const config = readConfig(eventsSettings, {
        args: [],
        env: { ...env, ...stack.env },
      });
      const service = eventsService(config, redisStorage, {
        modules: [announcement(config, stack, io, startedAt)],
        writeLog: (line) => io.note(line),
      });
      return await run([service]);
    } finally {
      await stack.stop();
    }
  },
});

/** A port that `up` needs is taken. */
class PortInUse extends OperationalError<"port-unavailable"> {
  constructor(port: number, variable: string) {
    super(
      "port-unavailable",
      `Cannot start events: port ${port} is in use; end what uses it, or set ${variable} to another`,
    );
  }
}

/** Says so at once, and not after servers were started. */
function requireFreePorts(config: EventsConfig): void {
  const wanted = [
    [config.serviceHost, config.servicePort, "SERVICE_PORT"],
    [config.adminHost, config.adminPort, "ADMIN_PORT"],
  ] as const;
  for (const [hostname, port, variable] of wanted) {
    try {
      Deno.listen({ hostname, port }).close();
    } catch (failure) {
      if (failure instanceof Deno.errors.AddrInUse) {
        throw new PortInUse(port, variable);
      }
      throw failure;
    }
  }
}

/** Tells the person what runs, once it does. */
function announcement(
  config: EventsConfig,
  stack: LocalStack,
  io: CommandIo,
  startedAt: number,
): Module {
  const url = `http://${config.serviceHost}:${config.servicePort}`;
  const adminUrl = `https://${config.adminHost}:${config.adminPort}`;
  const announce = () => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const rows = [
      [config.serviceName, url, `admin ${adminUrl}`],
      ...stack.members.map(({ name, address, origin }) => [
        name,
        address,
        origin,
      ]),
    ];
    io.print(`
Up in ${seconds} s. Ctrl-C ends everything in order.

${rows.map((row) => `  ${columns(row)}`).join("\n")}

Try, in another terminal:

  curl -i ${url}/events -H 'Content-Type: application/json' \\
    -d '{"event":"order.created","aggregateId":"order-1","data":{"total":42}}'
`);
    io.emit({
      services: [{ name: config.serviceName, url, adminUrl }],
      servers: stack.members,
    });
  };
  return {
    name: "announcement",
    setup: () => ({ background: [{ name: "announcement", start: announce }] }),
  };
}

function columns([name = "", address = "", origin = ""]: string[]): string {
  return `${name.padEnd(10)}${address.padEnd(26)}${origin}`;
}

function withoutEmpty(env: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value));
}
