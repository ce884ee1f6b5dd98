import { runFaults } from "@mainstay/meshhook";
import { defineCommand } from "../command.ts";
import { openMigratedMeshhook } from "./open_meshhook.ts";

/** Runs that are held in memory at once, with their events. */
const PAGE = 100;
const NOTE_EVERY = 100_000;

/** `mainstay meshhook verify`. */
export const verifyCommand = defineCommand({
  name: "verify",
  summary: "Check that every run is what its events say",
  help:
    `Reads every run of every project and checks that its events are numbered without
a gap, that each follows from those before it, and that the stored status, the
steps to do and the dead letters are what the events come to. Reads ${PAGE} runs at a
time, each time in one statement, so it may run beside everything else.

Works on the database, and changes nothing. Exit code 1 if a run is not sound;
each such run is named, with what is wrong.`,
  async run(_input, io) {
    await using meshhook = await openMigratedMeshhook();
    const { audit } = meshhook.storage;
    let checked = 0;
    let unsound = 0;
    let after: string | undefined;
    for (;;) {
      const runs = await audit.page({
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      });
      for (const run of runs) {
        const faults = runFaults(run);
        if (faults.length === 0) continue;
        unsound += 1;
        const { id, projectId: project } = run;
        io.emitLine(JSON.stringify({ run: id, project, faults }));
        for (const fault of faults) {
          io.print(`Run ${id} of project ${project}: ${fault}`);
        }
      }
      checked += runs.length;
      if (checked % NOTE_EVERY === 0 && checked > 0) {
        io.note(`${checked} runs checked`);
      }
      after = runs.at(-1)?.id;
      if (runs.length < PAGE) break;
    }
    io.emitLine(JSON.stringify({ checked, unsound }));
    io.print(
      unsound === 0
        ? `${checked} runs checked: all are what their events say`
        : `${checked} runs checked: ${unsound} are not what their events say`,
    );
    return unsound === 0 ? 0 : 1;
  },
});
