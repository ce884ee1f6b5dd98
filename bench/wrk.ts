/** A load that wrk makes: one thread, kept-alive connections, for a while. */
export interface HttpLoad {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** POST this with this content type, instead of GET. */
  readonly body?: string;
  readonly contentType?: string;
  /** Operations in one request; default 1. */
  readonly perRequest?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A header with another value for each request. */
  readonly uniqueHeader?: string;
}

/** What wrk saw. */
export interface HttpLoadResult {
  readonly operations: number;
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Runs wrk once.
 *
 * @throws {Error} If any answer was no 2xx or a connection failed: a rate of
 *   errors is no rate.
 */
export async function runWrk(
  wrk: { readonly path: string; readonly env: Record<string, string> },
  load: HttpLoad,
): Promise<HttpLoadResult> {
  const script = await Deno.makeTempFile({ suffix: ".lua" });
  try {
    await Deno.writeTextFile(script, luaScript(load));
    const { stdout, success, stderr } = await new Deno.Command(wrk.path, {
      args: [
        "-t1",
        `-c${load.connections}`,
        `-d${load.seconds}s`,
        "-s",
        script,
        load.url,
      ],
      env: wrk.env,
    }).output();
    const text = new TextDecoder().decode(stdout);
    const line = text.split("\n").find((line) => line.startsWith("RESULT "));
    if (!success || line === undefined) {
      throw new Error(
        `Cannot measure: wrk failed: ${new TextDecoder().decode(stderr)}`,
      );
    }
    const [requests = 0, micros = 1, p50 = 0, p99 = 0, errors = 0] = line
      .split(" ").slice(1).map(Number);
    if (errors > 0) {
      throw new Error(
        `Cannot measure: ${errors} of ${requests} requests failed`,
      );
    }
    const operations = requests * (load.perRequest ?? 1);
    return {
      operations,
      rate: operations / micros * 1_000_000,
      p50Ms: p50 / 1000,
      p99Ms: p99 / 1000,
    };
  } finally {
    await Deno.remove(script);
  }
}

function luaScript(
  { body, contentType, headers = {}, uniqueHeader }: HttpLoad,
): string {
  const request = body === undefined ? "" : `
wrk.method = "POST"
wrk.body = ${longString(body)}
wrk.headers["Content-Type"] = "${contentType ?? "application/json"}"
${
    Object.entries(headers)
      .map(([name, value]) => `wrk.headers["${name}"] = "${value}"`).join("\n")
  }
`;
  const unique = uniqueHeader === undefined ? "" : `
local run = tostring(os.time()) .. "-"
local n = 0
request = function()
  n = n + 1
  wrk.headers["${uniqueHeader}"] = run .. n
  return wrk.format()
end
`;
  return `${request}${unique}
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
`;
}

const longString = (text: string) => `[==[${text}]==]`;
