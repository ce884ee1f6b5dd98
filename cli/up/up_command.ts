import { ConfigError } from "@mainstay/kernel/config";
import { OperationalError } from "@mainstay/kernel/errors";
import { run } from "@mainstay/kernel/lifecycle";
import {
  type LocalStack,
  publishEnvironment,
  startLocalStack,
} from "@mainstay/tools/local_stack";
import { type CommandIo, defineCommand } from "../command.ts";
import { suggestion } from "../parse_command_line.ts";
import { UsageError } from "../usage_error.ts";
import { createAnnouncement } from "./announcement.ts";
import { demoReceiver } from "./meshhook_demo.ts";
import { prepareIdentity } from "./prepare_identity.ts";
import { prepareMeshhook, requireOwnDatabase } from "./prepare_meshhook.ts";
import { serviceEnvironment } from "./service_environment.ts";
import { type Place, UP_SERVICES, type UpService } from "./up_services.ts";

type Environment = Readonly<Record<string, string>>;

/** A service with where it will be. */
interface Planned {
  readonly service: UpService;
  readonly place: Place;
}

/** `mainstay up`: the services and the servers that they stand on, in one process. */
export const upCommand = defineCommand({
  name: "up",
  summary: "Run all services on this machine until Ctrl-C",
  help:
    `Runs the services named, or all of them, and what they stand on: a Redis unless
REDIS_HOST names one, a PostgreSQL unless DATABASE_URL does.

Private servers listen on 127.0.0.1 with a password, keep their data in
.mainstay/ and end with this command, also after a crash of it. Where no
redis-server or valkey-server is on PATH, Debian's and Ubuntu's own package is
unpacked below .mainstay/; PostgreSQL comes from npm. Nothing is installed on
the system. In private databases a demo is made: a user and two clients, and a
project of MeshHook's with a workflow that a signed webhook runs.

Each service reads its usual variables (.env.example); those that cannot be the
same for several begin with the service's name: EVENTS_SERVICE_PORT,
AUTHZ_ADMIN_PORT, and so does any other that is meant for one alone, such as
IDP_LOG_LEVEL. Logs go to standard error. Ctrl-C ends the services in order,
then the servers.

With --json, the document says what runs and where, once it does.`,
  usage: "[service]...",
  examples: [
    "mainstay up",
    "mainstay up events",
    "AUTHZ_SERVICE_PORT=8180 LOG_FORMAT=json mainstay up",
  ],
  async run({ args }, io) {
    const startedAt = performance.now();
    const services = chosen(args);
    const given = withoutEmpty(Deno.env.toObject());
    requireOwnDatabase(services, given);
    const planned = plan(services, given);
    requireFreePorts(planned);
    const stack = await startLocalStack({
      needs: [...new Set(services.flatMap(({ needs }) => needs))],
      report: (line) => io.note(line),
    });
    try {
      return await runServices(planned, { given, stack, io, startedAt });
    } finally {
      await stack.stop();
    }
  },
});

async function runServices(
  planned: readonly Planned[],
  { given, stack, io, startedAt }: {
    readonly given: Environment;
    readonly stack: LocalStack;
    readonly io: CommandIo;
    readonly startedAt: number;
  },
): Promise<0 | 1> {
  const services = planned.map(({ service }) => service);
  const places = placesOf(planned);
  const runs = (name: UpService["system"]) =>
    services.some(({ system }) => system === name);
  const report = (line: string) => io.note(line);
  const [identity, meshhook] = await Promise.all([
    runs("identity")
      ? prepareIdentity(places, { given, stack, report })
      : undefined,
    runs("meshhook")
      ? prepareMeshhook(places, {
        given,
        stack,
        hasIssuer: runs("identity") && given["AUTH_ISSUER"] === undefined,
      })
      : undefined,
  ]);
  const prepared = { ...stack.env, ...identity?.env, ...meshhook?.env };
  const env = { ...given, ...prepared };
  await using _published = await publishEnvironment(prepared);
  const announcement = createAnnouncement({
    places,
    stack,
    identity,
    meshhook,
    io,
    startedAt,
  });
  return await run(
    services.map((service) =>
      service.create(serviceEnvironment(service, env, services), {
        modules: [
          announcement.moduleFor(service.name),
          ...(service.system === "meshhook" && meshhook?.demo !== undefined
            ? [demoReceiver]
            : []),
        ],
        writeLog: (line) => io.note(line),
      })
    ),
  );
}

function chosen(names: readonly string[]): readonly UpService[] {
  const known = UP_SERVICES.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(
      `Unknown service "${unknown}"${suggestion(unknown, known)}`,
    );
  }
  return names.length === 0
    ? UP_SERVICES
    : UP_SERVICES.filter(({ name }) => names.includes(name));
}

/** @throws {ConfigError} Naming every mistake of every service, each once. */
function plan(services: readonly UpService[], given: Environment): Planned[] {
  const mistakes = new Map<string, ConfigError["mistakes"][number]>();
  const planned = services.flatMap((service) => {
    const env = serviceEnvironment(service, given, services);
    try {
      return [{ service, place: service.place(env) }];
    } catch (failure) {
      if (!(failure instanceof ConfigError)) throw failure;
      for (const mistake of failure.mistakes) {
        mistakes.set(`${mistake.name} ${mistake.detail}`, mistake);
      }
      return [];
    }
  });
  if (mistakes.size > 0) throw new ConfigError([...mistakes.values()]);
  return planned;
}

function placesOf(planned: readonly Planned[]): ReadonlyMap<string, Place> {
  return new Map(planned.map(({ service, place }) => [service.name, place]));
}

/** A port that `up` needs is taken. */
class PortInUse extends OperationalError<"port-unavailable"> {
  constructor(service: string, port: number, variable: string) {
    super(
      "port-unavailable",
      `Cannot start ${service}: port ${port} is in use; end what uses it, or set ${variable} to another`,
    );
  }
}

/** Says so at once, and not after servers were started. */
function requireFreePorts(planned: readonly Planned[]): void {
  for (const { service: { name }, place } of planned) {
    const prefix = planned.length > 1 ? `${name.toUpperCase()}_` : "";
    const wanted = [
      [place.serviceHost, place.servicePort, "SERVICE_PORT"],
      [place.adminHost, place.adminPort, "ADMIN_PORT"],
    ] as const;
    for (const [hostname, port, variable] of wanted) {
      try {
        Deno.listen({ hostname, port }).close();
      } catch (failure) {
        if (failure instanceof Deno.errors.AddrInUse) {
          throw new PortInUse(name, port, `${prefix}${variable}`);
        }
        throw failure;
      }
    }
  }
}

function withoutEmpty(env: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value));
}
