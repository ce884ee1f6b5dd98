import type {
  ServiceState,
  ServiceStatusBody,
} from "@mainstay/contracts/identity";

type Service = Pick<ServiceStatusBody, "name" | "state">;

/** What a service is, beside what it is called. */
const TITLES: Readonly<Record<string, string>> = {
  "authz": "Authorization server",
  "idp": "Identity provider",
  "rs": "Resource server",
  "spa-rp": "Console",
  "events": "Events",
  "meshhook": "MeshHook",
};

/** A service's name, as a person reads it. */
export function titleOf(name: string): string {
  return TITLES[name] ?? name;
}

/** All services in one sentence. */
export function summarize(services: readonly Service[]): {
  readonly state: ServiceState;
  readonly text: string;
} {
  const down = services.filter(({ state }) => state === "down");
  if (down.length > 0) {
    const are = down.length === 1 ? "is" : "are";
    return { state: "down", text: `${names(down)} ${are} down` };
  }
  const unknown = services.filter(({ state }) => state === "unknown");
  if (unknown.length > 0 || services.length === 0) {
    return { state: "unknown", text: "Not every service was asked yet" };
  }
  return { state: "up", text: "Every service is up" };
}

/** What is read out when the picture changes; empty when it has not. */
export function describeChanges(
  before: readonly Service[],
  after: readonly Service[],
): string {
  const known = new Map(before.map(({ name, state }) => [name, state]));
  return after
    .filter(({ name, state }) => known.has(name) && known.get(name) !== state)
    .map(({ name, state }) =>
      `${titleOf(name)} is ${state === "unknown" ? "not known" : state}`
    )
    .join(", ");
}

function names(services: readonly Service[]): string {
  return services.map(({ name }) => titleOf(name)).join(", ").replace(
    /, ([^,]*)$/,
    " and $1",
  );
}
