/**
 * An image without an engine: the files that a Dockerfile's stages copy, their
 * dependencies fetched against the lock file, an unprivileged user, nothing that
 * can be written.
 */
import { ok } from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Dockerfile, readDockerfile } from "./dockerfile.ts";

const root = new URL("../", import.meta.url).pathname;

/** `nobody`, where this test may change its user; else its own. */
const user = Deno.uid() === 0 ? { uid: 65534, gid: 65534 } : {};

/** The image's file system, as far as it is used. */
export interface Image extends AsyncDisposable {
  readonly app: string;
  /** Runs a command of the image as the image would. */
  command(
    command: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Deno.Command;
  /** Whether commands run as nobody. */
  readonly asNobody: boolean;
}

/** A Dockerfile of `deployments/container/`. */
export function imageFile(name: string, target?: string): Dockerfile {
  return readDockerfile(
    readFileSync(`${root}deployments/container/${name}.Dockerfile`, "utf8"),
    target,
  );
}

/**
 * Makes what the stage `build` of a Dockerfile makes, and what others contribute.
 *
 * @param options Stages by number, and what the image takes of each.
 */
export async function makeImage(
  name: string,
  options: {
    readonly build: number;
    readonly taken?: ReadonlyArray<{ stage: number; path: string }>;
  },
): Promise<Image> {
  const dockerfile = imageFile(name);
  const folder = await Deno.makeTempDir({ prefix: "mainstay-image-" });
  await Deno.chmod(folder, 0o755);
  const bin = `${folder}/bin`;
  await Deno.mkdir(bin);
  await Deno.copyFile(Deno.execPath(), `${bin}/deno`);
  await Deno.chmod(`${bin}/deno`, 0o755);

  const runStage = async (stage: number) => {
    const [app, denoDir] = [
      `${folder}/${stage}/app`,
      `${folder}/${stage}/deno`,
    ];
    await copySources(dockerfile, { name, stage, to: app });
    for (
      const { command } of dockerfile.runs.filter((r) => r.stage === stage)
    ) {
      const { success, stderr } = await new Deno.Command(`${bin}/deno`, {
        args: command.slice(1),
        cwd: app,
        env: { DENO_DIR: denoDir },
        stdout: "null",
        stderr: "piped",
      }).output();
      ok(success, new TextDecoder().decode(stderr));
    }
    return { app, denoDir };
  };

  const { app, denoDir } = await runStage(options.build);
  for (const { stage, path } of options.taken ?? []) {
    const other = await runStage(stage);
    await Deno.mkdir(dirname(`${app}/${path}`), { recursive: true });
    await Deno.rename(`${other.app}/${path}`, `${app}/${path}`);
  }
  await makeReadOnly(folder);
  return {
    app,
    asNobody: user.uid !== undefined,
    command([binary = "", ...args], env) {
      return new Deno.Command(binary === "/bin/deno" ? `${bin}/deno` : binary, {
        args,
        cwd: app,
        clearEnv: true,
        env: {
          PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`,
          ...dockerfile.env,
          ...env,
          DENO_DIR: denoDir,
        },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
        ...user,
      });
    },
    async [Symbol.asyncDispose]() {
      await new Deno.Command("chmod", { args: ["-R", "u+w", folder] }).output();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Copies what a stage copies, without what `.dockerignore` leaves out. */
async function copySources(
  dockerfile: Dockerfile,
  { name, stage, to }: { name: string; stage: number; to: string },
): Promise<void> {
  const ignored = readFileSync(
    `${root}deployments/container/${name}.Dockerfile.dockerignore`,
    "utf8",
  ).split("\n").filter((line) => /^[^#!]/.test(line) && line !== "*");
  for (const { args } of dockerfile.copies.filter((c) => c.stage === stage)) {
    const target = args.at(-1) ?? "";
    for (const source of args.slice(0, -1)) {
      const isFile = Deno.statSync(root + source).isFile;
      const files = isFile ? [source] : globSync(`${source}/**/*`, {
        cwd: root,
        exclude: ignored,
      });
      for (const file of files) {
        if (!Deno.statSync(root + file).isFile) continue;
        const path = isFile
          ? join(
            to,
            target,
            target.endsWith("/") ? file.split("/").at(-1)! : "",
          )
          : join(to, target, file.slice(source.length));
        await Deno.mkdir(dirname(path), { recursive: true, mode: 0o755 });
        await Deno.copyFile(root + file, path);
      }
    }
  }
}

/** For everyone to read, for nobody to write. */
async function makeReadOnly(folder: string): Promise<void> {
  const { success } = await new Deno.Command("chmod", {
    args: ["-R", "a+rX,a-w", folder],
  }).output();
  ok(success);
}
