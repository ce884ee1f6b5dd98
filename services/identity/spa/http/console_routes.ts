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

/** What the routes serve. */
export interface ConsoleRoutesOptions {
  readonly files: ConsoleFiles;
  readonly config: ConsoleConfigBody;
  /** On every page. */
  readonly policy: Readonly<Record<string, string>>;
}

/** The console's pages (one file, at each of their paths), its assets and its configuration. */
export function consoleRoutes(
  { files, config, policy }: ConsoleRoutesOptions,
): readonly Route[] {
  const page: Route["handle"] = (request) =>
    fileResponse(request, files.index, {
      ...policy,
      "cache-control": "no-store",
    });
  return [
    ...CONSOLE_PATHS.map((path): Route => ({
      method: "GET",
      path,
      handle: page,
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
    : fileResponse(request, file, cache);
}

function fileResponse(
  { headers: asked }: Request,
  { bytes, gzipped, contentType }: ConsoleFile,
  headers: Readonly<Record<string, string>>,
): Response {
  const compressed = /\bgzip\b(?! *; *q=0(?:\.0*)?(?:,|$))/i
    .test(asked.get("accept-encoding") ?? "");
  return new Response(compressed ? gzipped : bytes, {
    headers: {
      "content-type": contentType,
      vary: "Accept-Encoding",
      ...(compressed ? { "content-encoding": "gzip" } : {}),
      ...headers,
    },
  });
}
