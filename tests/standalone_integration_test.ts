/** The servers as one file each, far from this repository. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { eventually, startPostgres } from "@mainstay/adapters/testing";
import { IDENTITY_COMMANDS } from "../tools/identity_commands.ts";
import { MESHHOOK_COMMANDS } from "../tools/meshhook_commands.ts";
import { bundleServer } from "../tools/standalone/bundle_server.ts";
import { compileServer } from "../tools/standalone/compile_server.ts";
import { packServer } from "../tools/standalone/pack_server.ts";
import { openProject } from "./meshhook_project.ts";

const root = new URL("../", import.meta.url).pathname;

const commandOf = (target: string) =>
  [...IDENTITY_COMMANDS, ...MESHHOOK_COMMANDS]
    .find((command) => command.target === target)!;

/** A folder with nothing but a packed server, its configuration, and Deno on PATH. */
async function unpackable(target: string) {
  const server = commandOf(target);
  const folder = await Deno.makeTempDir({ prefix: "mainstay-standalone-" });
  const file = `${folder}/${target}`;
  await using bundle = await bundleServer(server);
  await packServer(server, { bundle, file });
  await Deno.mkdir(`${folder}/configs/identity`, { recursive: true });
  const config = "configs/identity/production.yml";
  await Deno.copyFile(root + config, `${folder}/${config}`);
  await Deno.mkdir(`${folder}/bin`);
  await Deno.symlink(Deno.execPath(), `${folder}/bin/deno`);
  return {
    folder,
    start(
      args: readonly string[],
      env: Readonly<Record<string, string>> = {},
    ): Deno.ChildProcess {
      return new Deno.Command(file, {
        args: [...args],
        cwd: folder,
        clearEnv: true,
        env: {
          PATH: `${folder}/bin:/usr/bin:/bin`,
          HOME: folder,
          SERVICE_PORT: "0",
          ADMIN_PORT: "0",
          DRAIN_DELAY: "0",
          BACKUP_SCHEDULE: "off",
          ...env,
        },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function outcome(child: Deno.ChildProcess) {
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Waits until it is ready, gives its URL, and what it has said in the end. */
async function ready(child: Deno.ChildProcess) {
  let said = "";
  const reading = (async () => {
    for await (
      const text of child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      said += text;
    }
  })();
  const errors = new Response(child.stderr).text();
  let url = "";
  await eventually("it is ready", async () => {
    [, url = ""] = /"Listening","url":"([^"]+)"/.exec(said) ?? [];
    if (url === "") return false;
    const response = await fetch(`${url}/readyz`);
    await response.body?.cancel();
    return response.ok;
  }, 20_000).catch(async (failure) => {
    child.kill("SIGKILL");
    throw new Error(said + await errors, { cause: failure });
  });
  return {
    url,
    /** Ends it by its process id, as an operator would. */
    async end() {
      child.kill("SIGTERM");
      const { code } = await child.status;
      await reading;
      return { code, errors: await errors };
    },
  };
}

const KEY = new Uint8Array(32).toBase64();

Deno.test("./authz --config=… serves, migrates, answers its probes and stops, from one file", async () => {
  await using database = await startPostgres();
  await using packed = await unpackable("authz");
  const child = packed.start(["--config=configs/identity/production.yml"], {
    DATABASE_URL: database.url(),
    DATABASE_MAX_OPEN_CONNS: "5",
    KEY_ENCRYPTION_KEYS: KEY,
  });
  const server = await ready(child);
  const health = await fetch(`${server.url}/health`);
  strictEqual(await health.text(), '{"status":"ok","service":"authz"}');
  const status = await Deno.readTextFile(`/proc/${child.pid}/status`);
  match(status, /^Name:\s+deno$/m);
  const { code, errors } = await server.end();
  strictEqual(errors, "");
  strictEqual(code, 0);

  const unpacked = `${packed.folder}/.cache/mainstay`;
  const before = [...Deno.readDirSync(unpacked)];
  strictEqual(before.length, 1, "it is unpacked once, and whole");
  const wrong = await outcome(
    packed.start(["--config=configs/identity/production.yml"]),
  );
  strictEqual(wrong.code, 2);
  match(wrong.said, /DATABASE_URL: is required/);
  strictEqual([...Deno.readDirSync(unpacked)].length, 1);
});

Deno.test("./authz says what it needs where neither npx nor its Deno is", async () => {
  await using packed = await unpackable("authz");
  const tools = ["sh", "mkdir", "mktemp", "tail", "tar", "gzip", "mv", "rm"];
  for (const tool of tools) {
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `command -v ${tool}`],
    }).output();
    const path = new TextDecoder().decode(stdout).trim();
    await Deno.symlink(path, `${packed.folder}/bin/${tool}`);
  }
  const deno = `${packed.folder}/bin/deno`;
  const start = () =>
    outcome(packed.start(["--version"], { PATH: `${packed.folder}/bin` }));
  strictEqual((await start()).code, 0);
  await Deno.remove(deno);
  const needed = `Cannot start: deno ${Deno.version.deno} or npx is needed`;
  deepStrictEqual(await start(), {
    code: 1,
    said: `${needed}, and on PATH there is neither\n`,
  });
  await Deno.writeTextFile(deno, '#!/bin/sh\necho "deno 2.1.4 (stable)"\n', {
    mode: 0o755,
  });
  deepStrictEqual(await start(), {
    code: 1,
    said: `${needed}, and on PATH there is deno 2.1.4\n`,
  });
});

Deno.test("./authz unpacks once where there is no home, and into nobody else's folder", async () => {
  await using packed = await unpackable("authz");
  const temporary = `${packed.folder}/tmp`;
  const own = `${temporary}/mainstay-${Deno.uid()}`;
  await Deno.mkdir(temporary);
  const start = () =>
    outcome(
      packed.start(["--version"], { HOME: "/proc/none", TMPDIR: temporary }),
    );
  const unpacked = async () => {
    const { code, said } = await start();
    strictEqual(code, 0, said);
    match(said, /^\d+\.\d+\.\d+\n$/);
    const [folder, ...others] = [...Deno.readDirSync(own)];
    strictEqual(others.length, 0);
    return `${own}/${folder?.name}`;
  };
  const home = await unpacked();
  strictEqual((await Deno.stat(own)).mode! & 0o777, 0o700);
  const { ino } = await Deno.stat(home);
  strictEqual(await unpacked(), home);
  strictEqual((await Deno.stat(home)).ino, ino);
  // Old files are cleared away there, one by one.
  await Deno.remove(`${home}/.whole`);
  await Deno.remove(`${home}/authz.js`);
  strictEqual(await unpacked(), home);

  await Deno.rename(own, `${packed.folder}/elsewhere`);
  await Deno.symlink(`${packed.folder}/elsewhere`, own);
  const { code, said } = await start();
  strictEqual(code, 1);
  match(said, /^Cannot start: \S+ is not a folder of this user; name one/);
});

Deno.test("./spa brings the console along", async () => {
  await using packed = await unpackable("spa");
  const child = packed.start(["--config=configs/identity/production.yml"], {
    // Nobody is waited for: what they answer decides readiness, not this page.
    AUTHZ_INTERNAL_URL: "http://127.0.0.1:1",
    IDP_INTERNAL_URL: "http://127.0.0.1:1",
  });
  let said = "";
  const reading = (async () => {
    for await (
      const text of child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      said += text;
    }
  })();
  await eventually(
    "it listens",
    () => Promise.resolve(/"Listening","url"/.test(said)),
  );
  const [, url] = /"Listening","url":"([^"]+)"/.exec(said) ?? [];
  const page = await fetch(`${url}/`);
  ok((await page.text()).includes("<script"), said);
  child.kill("SIGTERM");
  strictEqual((await child.status).code, 0);
  await reading;
  await child.stderr.cancel();
});

Deno.test("./meshhook and ./meshhook-worker run a workflow, from one file each", async () => {
  await using database = await startPostgres();
  const called: string[] = [];
  await using target = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      called.push(await request.text());
      return Response.json({});
    },
  );
  const env = {
    LOG_FORMAT: "json",
    DATABASE_URL: database.url(),
    DATABASE_MAX_OPEN_CONNS: "5",
    MESHHOOK_KEK: KEY,
    TARGETS: `127.0.0.1:${target.addr.port}`,
  };
  await using api = await unpackable("meshhook");
  await using worker = await unpackable("meshhook-worker");
  const server = await ready(api.start([], env));
  const working = await ready(worker.start([], env));
  const project = await openProject(server.url, database.url());
  await project.publish(`http://127.0.0.1:${target.addr.port}/`);
  await project.succeeds(await project.deliver('{"n":[1,2]}'));
  strictEqual(called.join(), "3");
  for (const process of [working, server]) {
    deepStrictEqual(await process.end(), { code: 0, errors: "" });
  }
});

Deno.test("a server is compiled, where Deno can have its runtime", async () => {
  await using bundle = await bundleServer(commandOf("rs"));
  const file = `${bundle.folder}/compiled`;
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  if (await compileServer(commandOf("rs"), { bundle, file, print })) {
    const { code, said } = await outcome(
      new Deno.Command(file, {
        args: ["--version"],
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
    strictEqual(code, 0, said);
  } else {
    match(lines.join(), /cannot have its runtime/);
  }
});
