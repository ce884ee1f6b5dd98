import { jsonResponse, NotFound } from "@mainstay/adapters/http";
import {
  CONSOLE_PATHS,
  consoleConfig,
  type ConsoleConfigBody,
} from "@mainstay/contracts/identity";
import { schemaJson } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import type { ConsoleFile, ConsoleFiles } from "./console_files.ts";

/** A year, and never asked again: the name of an asset changes with its content. */
const FOR_EVER = "public, max-age=31536000, immutable";

/** Answers with the console's page, which shows what its path says. */
export type ServePage = (request: Request, status?: number) => Response;

/**
 * Creates what serves the page.
 *
 * @param policy Headers of every page.
 */
export function createPageServer(
  files: ConsoleFiles,
  policy: Readonly<Record<string, string>>,
): ServePage {
  const headers = { ...policy, "cache-control": "no-store" };
  return (request, status = 200) =>
    fileResponse(request, files.index, { headers, status });
}

/** What the routes serve. */
export interface ConsoleRoutesOptions {
  readonly files: ConsoleFiles;
  readonly page: ServePage;
  readonly config: ConsoleConfigBody;
}

/** The console's pages (one file, at each of their paths), its assets and its configuration. */
export function consoleRoutes(
  { files, page, config }: ConsoleRoutesOptions,
): readonly Route[] {
  return [
    ...CONSOLE_PATHS.map((path): Route => ({
      method: "GET",
      path,
      handle: (request) => page(request),
      doc: {
        summary: "A page of the console",
        tags: ["console"],
        responses: { 200: { description: "The page" } },
      },
    })),
    {
      method: "GET",
      path: "/assets/:name",
      handle: (request, { params }) => assetResponse(files, request, params),
      doc: {
        summary: "A file of the console",
        tags: ["console"],
        responses: {
          200: { description: "The file" },
          304: { description: "The file is as the client has it" },
        },
      },
    },
    {
      method: "GET",
      path: "/config.json",
      handle: () => jsonResponse(config),
      doc: {
        summary: "Where the console finds the other servers",
        tags: ["console"],
        responses: {
          200: {
            description: "The configuration",
            content: { "application/json": schemaJson(consoleConfig) },
          },
        },
      },
    },
  ];
}

function assetResponse(
  files: ConsoleFiles,
  request: Request,
  { name = "" }: Readonly<Record<string, string>>,
): Response {
  const file = files.asset(name);
  if (file === undefined) throw new NotFound();
  const cache = { etag: file.etag, "cache-control": FOR_EVER };
  const known = request.headers.get("if-none-match")?.split(/, */);
  return known?.includes(file.etag)
    ? new Response(null, { status: 304, headers: cache })
    : fileResponse(request, file, { headers: cache, status: 200 });
}

function fileResponse(
  { headers: asked }: Request,
  { bytes, gzipped, contentType }: ConsoleFile,
  { headers, status }: {
    readonly headers: Readonly<Record<string, string>>;
    readonly status: number;
  },
): Response {
  const compressed = /\bgzip\b(?! *; *q=0(?:\.0*)?(?:,|$))/i
    .test(asked.get("accept-encoding") ?? "");
  return new Response(compressed ? gzipped : bytes, {
    status,
    headers: {
      "content-type": contentType,
      vary: "Accept-Encoding",
      ...(compressed ? { "content-encoding": "gzip" } : {}),
      ...headers,
    },
  });
}
