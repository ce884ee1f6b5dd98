// The same protocol as bench/programs/rounds.ts, for Node.
import { createInterface } from "node:readline";

export async function answerRounds(work, prepare) {
  console.log("ready");
  for await (const _ of createInterface({ input: process.stdin })) {
    await prepare?.();
    const cpuBefore = process.cpuUsage();
    const startedMs = performance.now();
    const { operations, latenciesMs } = await work();
    const elapsedMs = performance.now() - startedMs;
    const cpu = process.cpuUsage(cpuBefore);
    const sorted = latenciesMs?.sort((a, b) => a - b);
    const at = (share) => sorted?.[Math.floor(sorted.length * share)];
    console.log(JSON.stringify({
      operations,
      rate: operations / elapsedMs * 1000,
      cpuMicros: (cpu.user + cpu.system) / operations,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    }));
  }
}

export const sampleData = {
  orderId: "ord-20250628-000042",
  customer: { id: "cus-7731", country: "DE" },
  lines: [
    { sku: "A-1001", quantity: 2, cents: 1299 },
    { sku: "B-2040", quantity: 1, cents: 4900 },
  ],
  totalCents: 7498,
  currency: "EUR",
};
