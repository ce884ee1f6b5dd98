import type { Postgres } from "@mainstay/adapters/postgres";
import {
  type ServiceHistory,
  type SlotCount,
  slotOf,
} from "../domain/status_board.ts";
import type { StatusHistory } from "../domain/status_history.ts";

interface HistoryRow {
  readonly service: string;
  readonly up: boolean;
  readonly since: Date;
  readonly slots: ReadonlyArray<
    { readonly at: number; readonly asked: number; readonly well: number }
  >;
}

/** Keeps what was seen in the tables `service_states` and `service_slots`. */
export function postgresStatusHistory(postgres: Postgres): StatusHistory {
  return {
    async record(sightings, sinceMs) {
      const since = new Date(sinceMs);
      const slots = countBySlot(sightings);
      const last = [
        ...new Map(sightings.map((it) => [it.service, it])).values(),
      ];
      return await postgres.transaction(async (transaction) => {
        // In one order everywhere, so that two watchers never wait for each other.
        await transaction.query(
          `INSERT INTO service_slots (service, slot, asked, well)
           SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::int[], $4::int[])
             AS seen (service, slot, asked, well) ORDER BY service, slot
           ON CONFLICT (service, slot) DO UPDATE SET
             asked = service_slots.asked + excluded.asked,
             well = service_slots.well + excluded.well`,
          [
            slots.map(({ service }) => service),
            slots.map(({ atMs }) => new Date(atMs)),
            slots.map(({ asked }) => asked),
            slots.map(({ well }) => well),
          ],
        );
        await transaction.query(
          `INSERT INTO service_states (service, up, since)
           SELECT * FROM unnest($1::text[], $2::boolean[], $3::timestamptz[])
             AS seen (service, up, since) ORDER BY service
           ON CONFLICT (service) DO UPDATE
             SET up = excluded.up, since = excluded.since
             WHERE service_states.up <> excluded.up`,
          [
            last.map(({ service }) => service),
            last.map(({ up }) => up),
            last.map(({ atMs }) => new Date(atMs)),
          ],
        );
        await transaction.query("DELETE FROM service_slots WHERE slot < $1", [
          since,
        ]);
        const { rows } = await transaction.query<HistoryRow>(
          `SELECT service, up, since, coalesce(json_agg(json_build_object(
               'at', (extract(epoch FROM slot) * 1000)::bigint,
               'asked', asked, 'well', well
             )) FILTER (WHERE slot IS NOT NULL), '[]') AS slots
           FROM service_states LEFT JOIN service_slots USING (service)
           GROUP BY service, up, since`,
        );
        return rows.map(historyOf);
      });
    },
  };
}

function countBySlot(
  sightings: Parameters<StatusHistory["record"]>[0],
): Array<SlotCount & { readonly service: string }> {
  const groups = Map.groupBy(
    sightings,
    ({ service, atMs }) => `${slotOf(atMs)} ${service}`,
  );
  return [...groups.values()].map((group) => ({
    service: group[0]!.service,
    atMs: slotOf(group[0]!.atMs),
    asked: group.length,
    well: group.filter(({ up }) => up).length,
  }));
}

function historyOf({ service, up, since, slots }: HistoryRow): ServiceHistory {
  return {
    service,
    up,
    sinceMs: since.getTime(),
    slots: slots.map(({ at, asked, well }) => ({ atMs: at, asked, well })),
  };
}
