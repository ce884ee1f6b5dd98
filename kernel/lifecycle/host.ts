/** What a running service hears from its process, and how it ends it. */
export interface Host {
  /** Calls back at each signal that asks the process to end. Returns its removal. */
  onSignal(listener: (signal: string) => void): () => void;
  /** Calls back for each error that nobody caught, which then ends nothing by itself. Returns its removal. */
  onFault(listener: (fault: Fault) => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** An error that nobody caught. */
export interface Fault {
  readonly kind: "rejection" | "error";
  readonly error: unknown;
}

/**
 * The process that this code runs in.
 *
 * It hears SIGTERM and SIGINT (on Windows, which has no SIGTERM, SIGINT and
 * SIGBREAK). SIGHUP is left as it is, so that `nohup` keeps working.
 */
export const denoHost: Host = {
  onSignal(listener) {
    const names: Deno.Signal[] = Deno.build.os === "windows"
      ? ["SIGINT", "SIGBREAK"]
      : ["SIGTERM", "SIGINT"];
    const handlers = names.map((name) => [name, () => listener(name)] as const);
    for (const [name, handler] of handlers) {
      Deno.addSignalListener(name, handler);
    }
    return () => {
      for (const [name, handler] of handlers) {
        Deno.removeSignalListener(name, handler);
      }
    };
  },
  onFault(listener) {
    const onRejection = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      listener({ kind: "rejection", error: event.reason });
    };
    const onError = (event: ErrorEvent) => {
      event.preventDefault();
      listener({ kind: "error", error: event.error });
    };
    globalThis.addEventListener("unhandledrejection", onRejection);
    globalThis.addEventListener("error", onError);
    return () => {
      globalThis.removeEventListener("unhandledrejection", onRejection);
      globalThis.removeEventListener("error", onError);
    };
  },
  exit: (code) => Deno.exit(code),
};
