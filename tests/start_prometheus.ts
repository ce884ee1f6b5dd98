import { eventually, freePort } from "@mainstay/adapters/testing";
import { findTool } from "@mainstay/tools/local_stack";

const program = await findTool("prometheus", "prometheus");

/** Whether a Prometheus is to be had here. */
export const hasPrometheus = program !== undefined;

/** A real Prometheus that scrapes one target. */
export interface Prometheus extends AsyncDisposable {
  /** The value of the first series of the result. */
  query(text: string): Promise<string | undefined>;
}

/** Starts a Prometheus on a free port and waits until it has scraped. */
export async function startPrometheus(
  job: string,
  port: number | string,
): Promise<Prometheus> {
  const folder = await Deno.makeTempDir({ prefix: "mainstay-prometheus-" });
  const own = freePort();
  await Deno.writeTextFile(
    `${folder}/prometheus.yml`,
    `scrape_configs:
- job_name: ${job}
  scrape_interval: 1s
  static_configs:
  - targets: ["127.0.0.1:${port}"]
`,
  );
  const child = new Deno.Command(program?.path ?? "", {
    args: [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${own}`,
      "--log.level=error",
    ],
    env: program?.env ?? {},
    stdout: "null",
    stderr: "null",
  }).spawn();
  const stop = async () => {
    child.kill("SIGTERM");
    await child.status;
    await Deno.remove(folder, { recursive: true });
  };
  const query = async (text: string): Promise<string | undefined> => {
    const response = await fetch(
      `http://127.0.0.1:${own}/api/v1/query?query=${encodeURIComponent(text)}`,
    );
    const answer = await response.json();
    return answer.data?.result?.[0]?.value?.[1];
  };
  try {
    await eventually(
      "Prometheus has scraped it",
      async () => await query(`up{job="${job}"}`) === "1",
      20_000,
    );
  } catch (failure) {
    await stop();
    throw failure;
  }
  return { query, [Symbol.asyncDispose]: stop };
}
