import { OperationalError } from "@mainstay/kernel/errors";

/** Which variables say where a listener is. */
export interface ListenerNames {
  /** As a person calls it: "public listener". */
  readonly listener: string;
  readonly portVariable: string;
  readonly hostVariable: string;
}

/** A listener that cannot open its port. */
export class PortUnavailable extends OperationalError<"port-unavailable"> {
  constructor(
    names: ListenerNames,
    hostname: string,
    port: number,
    cause: unknown,
  ) {
    const { listener, portVariable, hostVariable } = names;
    const [state, remedy] = reasonOf(cause, names);
    super(
      "port-unavailable",
      `Cannot open the ${listener} on ${hostname} port ${port} (${hostVariable}, ${portVariable}): ${state}; ${remedy}`,
      { cause },
    );
  }
}

function reasonOf(
  cause: unknown,
  { portVariable, hostVariable }: ListenerNames,
): readonly [state: string, remedy: string] {
  const name = cause instanceof Error ? cause.name : "";
  if (name === "AddrInUse") {
    return [
      "another process has it",
      `stop that process or set ${portVariable} to a free port`,
    ];
  }
  if (name === "AddrNotAvailable") {
    return [
      "this machine has no such address",
      `set ${hostVariable} to one that it has`,
    ];
  }
  if (name === "PermissionDenied" || name === "NotCapable") {
    return [
      "the system does not allow it",
      `set ${portVariable} to a port above 1023, or allow it`,
    ];
  }
  return [
    cause instanceof Error ? cause.message : "the system refused",
    `look at ${hostVariable} and ${portVariable}`,
  ];
}
