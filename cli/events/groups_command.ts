import { groupList } from "@mainstay/contracts/events";
import { defineCommand } from "../command.ts";
import { CLIENT_OPTIONS, createEventsClient } from "./events_client.ts";

/** `mainstay events groups`. */
export const groupsCommand = defineCommand({
  name: "groups",
  summary: "Show how far each consumer group is",
  help: `Shows every consumer group of every shard: entries not yet delivered,
entries delivered and not acknowledged, how old the oldest of both is, retries
that wait, dead letters, and consumers.`,
  options: CLIENT_OPTIONS,
  async run({ options }, io) {
    const client = createEventsClient(options);
    const answer = groupList.parse(await client.json("GET", "groups"));
    io.emit(answer);
    if (answer.groups.length === 0) io.print("There is no consumer group");
    for (const group of answer.groups) {
      io.print(
        `${group.name} (shard ${group.shard}): ${group.lag} undelivered, ${group.pending} pending, ${group.lagSeconds} s behind, ${group.waitingForRetry} waiting for retry, ${group.deadLetters} dead letters`,
      );
      for (const { name, pending, idleMs } of group.consumers) {
        io.print(`  ${name}: ${pending} pending, idle for ${idleMs} ms`);
      }
    }
  },
});
