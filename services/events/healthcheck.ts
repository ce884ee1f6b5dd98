/**
 * Asks the service in the same container how it is: for health checks in an
 * image that has no shell and no curl.
 *
 * `healthcheck.ts [/health/live|/health/ready]`: exit code 0 when the answer
 * is 200, else 1.
 *
 * @module
 */
import process from "node:process";

const TIMEOUT_MS = 3000;

if (import.meta.main) {
  const path = process.argv[2] ?? "/health/live";
  const port = process.env.SERVICE_PORT ?? "8000";
  process.exitCode = await answers(`http://127.0.0.1:${port}${path}`) ? 0 : 1;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: "error",
    });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}
