import pg from "pg";
import { startPostgres, type TestPostgres } from "@mainstay/adapters/testing";
import {
  benchProgram,
  type ChildProgram,
  type ProgramOptions,
  startProgram,
} from "../child_program.ts";
import type { Contender, Measurement, Suite } from "../measurement.ts";
import { serverContenders } from "../meshhook_server.ts";
import { installPeers, peerNode } from "../node_peers.ts";
import { processCpuMicros, processTreeCpuMicros } from "../process_cpu.ts";

const PEERS = {
  "pg-boss": "workflow_pg_boss.js",
  "graphile-worker": "workflow_graphile_worker.js",
  "DBOS": "workflow_dbos.js",
};
/** Runs of one round, as bench/peers/workflow.js has it. */
const RUNS = 1_000;

/** The engine beside others that keep their work in PostgreSQL. */
export const meshhookSuite: Suite = {
  name: "meshhook",
  question:
    `What does a workflow of three steps cost, from its beginning to its end? (${
      RUNS.toLocaleString("en-US")
    } runs, 64 begun and 64 steps in hand at once, 10 connections; one PostgreSQL that syncs to disk, a database each; CPU of the process and of PostgreSQL together. Then webhooks that one process takes in, each signed and another delivery, its CPU alone; from the moment that one is taken in until a stock client that follows its project is told; and from the moment that a run is there until a worker that slept has its step.)`,
  unit: "runs",
  async open(stack) {
    const postgres = stack.use(await startPostgres({ fsync: true }));
    const runs = async (name: string, program: ProgramOptions) =>
      withPostgres(name, stack.use(await startProgram(program)), postgres);
    const ours = async (program: string) =>
      benchProgram(program, await databaseFor(postgres, program));
    const contenders: Contender[] = [
      await runs("mainstay", await ours("workflow_meshhook")),
    ];
    const peers = await installPeers();
    if (peers !== undefined) {
      const { command } = await peerNode(peers);
      for (const [name, file] of Object.entries(PEERS)) {
        const database = await databaseFor(postgres, file);
        contenders.push(
          await runs(name, { command, args: [`${peers}/${file}`, database] }),
        );
      }
    }
    return [
      ...contenders,
      ...await serverContenders(stack, await databaseFor(postgres, "intake")),
      await runs("wake: mainstay", await ours("wake_meshhook")),
    ];
  },
  targets: [
    { of: "mainstay", against: "pg-boss", figure: "rate", atLeast: 2.4 },
    {
      of: "mainstay",
      against: "graphile-worker",
      figure: "rate",
      atLeast: 3.4,
    },
    { of: "mainstay", against: "DBOS", figure: "rate", atLeast: 2.8 },
    { of: "intake: mainstay", figure: "rate", atLeast: 3_300 },
    { of: "live log: mainstay", figure: "p50Ms", atMost: 7.5 },
    { of: "wake: mainstay", figure: "p50Ms", atMost: 5 },
  ],
};

/** A program that measures itself, but for its CPU: PostgreSQL's belongs to it. */
function withPostgres(
  name: string,
  program: ChildProgram,
  postgres: TestPostgres,
): Contender {
  const used = () =>
    processCpuMicros(program.pid) + processTreeCpuMicros(postgres.pid);
  return {
    name,
    async round() {
      const before = used();
      const measured = JSON.parse(await program.ask("go")) as Measurement & {
        readonly operations: number;
      };
      const { operations, ...figures } = measured;
      return { ...figures, cpuMicros: (used() - before) / operations };
    },
  };
}

/** An empty database; its URL. */
async function databaseFor(
  postgres: TestPostgres,
  program: string,
): Promise<string> {
  const name = program.replace(/\W.*$/, "");
  const client = new pg.Client(postgres.url());
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  return postgres.url(name);
}
