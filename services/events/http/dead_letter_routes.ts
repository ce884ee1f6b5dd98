import {
  jsonResponse,
  NotFound,
  type Parameter,
  parseJson,
  readQuery,
  schemaJson,
  wholeNumber,
} from "@mainstay/adapters/http";
import {
  deadLetter,
  deadLetterPage,
  deadLetterSelection,
  discardedMany,
  replayed,
  replayedMany,
} from "@mainstay/contracts/events";
import {
  InvalidInput,
  OperationalError,
  schemaMistakes,
} from "@mainstay/kernel/errors";
import type { RequestContext, Route } from "@mainstay/kernel/lifecycle";
import type { z } from "zod";
import type { DeadLetters } from "../domain/dead_letter.ts";
import type { Access } from "./access.ts";
import { deadLetterBody } from "./event_json.ts";
import { identifier } from "./query.ts";

const LETTER_ID = /^\d{1,3}:\d{1,20}-\d{1,20}$/;
const letterId: Parameter<string> = {
  expects: "the id of a dead letter, <shard>:<stream id>",
  parse: (text) => LETTER_ID.test(text) ? text : undefined,
};
const selection = { type: identifier, limit: wholeNumber(1, 1_000) } as const;
const security = ["apiKey", "bearer"];
const tags = ["dead letters"];
const DEFAULT_LIMIT = 100;

type Selection = z.infer<typeof deadLetterSelection>;

/** What operators do with dead letters: list, inspect, replay, discard. */
export function deadLetterRoutes(
  letters: DeadLetters,
  access: Access,
): readonly Route[] {
  const selectIds = async ({ type, limit }: Selection) => {
    const page = await letters.list({
      limit,
      ...(type === undefined ? {} : { type }),
    });
    return page.letters.map(({ id }) => id);
  };
  const list: Route = {
    method: "GET",
    path: "/dead-letters",
    async handle(request, context) {
      await access.authorize(request, context, "events:admin");
      const query = readQuery(context.url, { ...selection, after: letterId });
      const page = await letters.list({ ...query, limit: limitOf(query) });
      return jsonResponse({
        deadLetters: page.letters.map(deadLetterBody),
        next: page.next ?? null,
      });
    },
    doc: {
      summary: "List dead letters, oldest first",
      tags,
      security,
      parameters: [
        ...selectionDoc,
        {
          name: "after",
          in: "query",
          description: "`next` of the page before",
          schema: { type: "string" },
        },
      ],
      responses: answers(200, "A page of dead letters", deadLetterPage),
    },
  };
  const show: Route = {
    method: "GET",
    path: "/dead-letters/:id",
    async handle(request, context) {
      await access.authorize(request, context, "events:admin");
      const letter = await letters.get(idOf(context));
      if (letter === undefined) throw gone();
      return jsonResponse(deadLetterBody(letter));
    },
    doc: {
      summary: "Show a dead letter",
      tags,
      security,
      responses: answers(200, "The dead letter", deadLetter),
    },
  };
  const replayOne: Route = {
    method: "POST",
    path: "/dead-letters/:id/replay",
    async handle(request, context) {
      const caller = await access.authorize(request, context, "events:admin");
      const id = idOf(context);
      const streamId = await letters.replay(id);
      if (streamId === undefined) throw gone();
      context.log.info("Dead letter replayed", {
        id,
        streamId,
        caller: caller.name,
      });
      return jsonResponse({ id, streamId });
    },
    doc: {
      summary: "Publish a dead letter's event again",
      description:
        "The header `dead-letter-origin` keeps the original stream id.",
      tags,
      security,
      responses: answers(200, "It is in the stream again", replayed),
    },
  };
  const replayMany: Route = {
    method: "POST",
    path: "/dead-letters/replay",
    async handle(request, context) {
      const caller = await access.authorize(request, context, "events:admin");
      const ids = await selectIds(await bodySelection(context));
      const outcome: z.infer<typeof replayedMany> = {
        replayed: [],
        failed: [],
      };
      for (const id of ids) {
        try {
          const streamId = await letters.replay(id);
          // Gone: another operator was faster.
          if (streamId !== undefined) outcome.replayed.push({ id, streamId });
        } catch (error) {
          if (!(error instanceof InvalidInput)) {
            if (outcome.replayed.length === 0) throw error;
            outcome.failed.push({ id, error: messageOf(error) });
            break;
          }
          outcome.failed.push({ id, error: error.message });
        }
      }
      context.log.info("Dead letters replayed", {
        replayed: outcome.replayed.length,
        failed: outcome.failed.length,
        caller: caller.name,
      });
      return jsonResponse(outcome);
    },
    doc: {
      summary: "Publish the oldest dead letters again",
      tags,
      security,
      request: {
        "application/json": schemaJson(deadLetterSelection, "input"),
      },
      responses: answers(200, "What became of each", replayedMany),
    },
  };
  const discardOne: Route = {
    method: "DELETE",
    path: "/dead-letters/:id",
    async handle(request, context) {
      const caller = await access.authorize(request, context, "events:admin");
      const id = idOf(context);
      if (!await letters.discard(id)) throw gone();
      context.log.info("Dead letter discarded", { id, caller: caller.name });
      return new Response(null, { status: 204 });
    },
    doc: {
      summary: "Discard a dead letter",
      tags,
      security,
      responses: { 204: { description: "It is gone" } },
    },
  };
  const discardMany: Route = {
    method: "DELETE",
    path: "/dead-letters",
    async handle(request, context) {
      const caller = await access.authorize(request, context, "events:admin");
      const query = readQuery(context.url, selection);
      const discarded: string[] = [];
      for (const id of await selectIds({ ...query, limit: limitOf(query) })) {
        if (await letters.discard(id)) discarded.push(id);
      }
      context.log.info("Dead letters discarded", {
        discarded: discarded.length,
        caller: caller.name,
      });
      return jsonResponse({ discarded });
    },
    doc: {
      summary: "Discard the oldest dead letters",
      tags,
      security,
      parameters: selectionDoc,
      responses: answers(200, "Those that are gone", discardedMany),
    },
  };
  return [list, show, replayOne, replayMany, discardOne, discardMany];
}

const selectionDoc = [
  {
    name: "type",
    in: "query",
    description: "Only events of this type",
    schema: { type: "string" },
  },
  {
    name: "limit",
    in: "query",
    description: `Dead letters at most; default ${DEFAULT_LIMIT}`,
    schema: { type: "integer", minimum: 1, maximum: 1_000 },
  },
] as const;

function limitOf({ limit = DEFAULT_LIMIT }: { readonly limit?: number }) {
  return limit;
}

function answers(status: number, description: string, schema: z.ZodType) {
  const content = { "application/json": schemaJson(schema) };
  return { [status]: { description, content } };
}

/** @throws {NotFound} For what cannot be an id. */
function idOf({ params }: RequestContext): string {
  const id = params["id"] ?? "";
  if (letterId.parse(id) === undefined) throw gone();
  return id;
}

function gone(): NotFound {
  return new NotFound("Cannot find the dead letter: it is not there any more");
}

/** An empty body selects the default. */
async function bodySelection(context: RequestContext): Promise<Selection> {
  const body = await context.body();
  const result = deadLetterSelection.safeParse(
    body.length === 0 ? {} : parseJson(body),
  );
  if (result.success) return result.data;
  const known = Object.keys(deadLetterSelection.shape);
  throw new InvalidInput(schemaMistakes(result.error.issues, "", known));
}

function messageOf(error: unknown): string {
  return error instanceof OperationalError
    ? error.message
    : "Cannot replay: the service failed";
}
