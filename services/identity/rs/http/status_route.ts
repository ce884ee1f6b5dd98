import { jsonResponse, schemaJson } from "@mainstay/adapters/http";
import {
  statusReport,
  type StatusReportBody,
} from "@mainstay/contracts/identity";
import type { Route } from "@mainstay/kernel/lifecycle";
import { SLOT_MS, type StatusBoard } from "../../domain/status_board.ts";

/**
 * `GET /api/v1/status`: every service now and over the last day, to anyone who
 * asks: names and states only. It is answered from memory.
 */
export function statusRoute(board: StatusBoard, now: () => number): Route {
  return {
    method: "GET",
    path: "/api/v1/status",
    handle: () => jsonResponse(reportOf(board, now())),
    doc: {
      summary: "Every service, now and over the last day",
      tags: ["status"],
      responses: {
        200: {
          description: "Names and states",
          content: { "application/json": schemaJson(statusReport) },
        },
      },
    },
  };
}

function reportOf(board: StatusBoard, nowMs: number): StatusReportBody {
  return {
    checkedAt: new Date(nowMs).toISOString(),
    slotSeconds: SLOT_MS / 1_000,
    services: board.picture(nowMs).map(
      ({ service, up, sinceMs, availability }) => ({
        name: service,
        state: up === undefined ? "unknown" : up ? "up" : "down",
        since: sinceMs === undefined ? null : new Date(sinceMs).toISOString(),
        availability: [...availability],
      }),
    ),
  };
}
