import { hash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { OperationalError } from "@mainstay/kernel/errors";
import type { Part } from "@mainstay/kernel/lifecycle";

/** A built file, as it is served. */
export interface ConsoleFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same for those who take it so: a third of the size. */
  readonly gzipped: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  /** Weak: the same for both ways of sending it. */
  readonly etag: string;
}

/** The built console: read whole at the start, never looked for afterwards. */
export interface ConsoleFiles extends Part {
  /** @throws {Error} Before the start. */
  readonly index: ConsoleFile;
  /** A file below `assets/`, by its name. */
  asset(name: string): ConsoleFile | undefined;
}

/** The built console is not there. */
export class ConsoleNotBuilt extends OperationalError<"console-not-built"> {
  constructor(folder: string, cause: unknown) {
    super(
      "console-not-built",
      `Cannot serve the console: ${folder} holds no index.html; \`deno task build:console\` makes it, and CONSOLE_FOLDER names another folder`,
      { cause },
    );
  }
}

const compress = promisify(gzip);

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/**
 * The files that a build has left in `folder`: its `index.html`, and what is in
 * `assets/`.
 */
export function consoleFiles(folder: string): ConsoleFiles {
  const assets = new Map<string, ConsoleFile>();
  let index: ConsoleFile | undefined;
  return {
    name: "console-files",
    get index() {
      if (index === undefined) throw new Error("The console is not read yet");
      return index;
    },
    asset: (name) => assets.get(name),
    /** @throws {ConsoleNotBuilt} */
    async start() {
      try {
        index = await readFile(`${folder}/index.html`);
        for await (const { name, isFile } of Deno.readDir(`${folder}/assets`)) {
          if (isFile) {
            assets.set(name, await readFile(`${folder}/assets/${name}`));
          }
        }
      } catch (cause) {
        throw new ConsoleNotBuilt(folder, cause);
      }
    },
  };
}

async function readFile(path: string): Promise<ConsoleFile> {
  const bytes = await Deno.readFile(path);
  const extension = path.slice(path.lastIndexOf(".") + 1);
  return {
    bytes,
    gzipped: new Uint8Array(await compress(bytes, { level: 9 })),
    contentType: CONTENT_TYPES[extension] ?? "application/octet-stream",
    etag: `W/"${hash("sha256", bytes, "base64url").slice(0, 27)}"`,
  };
}
