/** What a Dockerfile says of an image that it makes. */
export interface Dockerfile {
  /** Every image that a stage is made from, but other stages. */
  readonly images: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly exposed: readonly number[];
  readonly user: string | undefined;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly healthcheck: readonly string[];
  /** `COPY` lines of all stages, each with its stage's number. */
  readonly copies: ReadonlyArray<{ stage: number; args: readonly string[] }>;
  readonly runs: ReadonlyArray<{ stage: number; command: readonly string[] }>;
}

/**
 * Reads the part of the Dockerfile language that this repository uses: exec
 * forms only, `ARG` with defaults.
 *
 * @param target The stage that is the image; default the last.
 * @throws {SyntaxError} On anything else.
 */
export function readDockerfile(text: string, target?: string): Dockerfile {
  const lines = text.replace(/^#.*\n/gm, "").replace(/\\\n\s*/g, " ")
    .split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const images: string[] = [];
  const stages = new Map<string, Stage>();
  const args: Record<string, string> = {};
  const copies: Array<{ stage: number; args: string[] }> = [];
  const runs: Array<{ stage: number; command: string[] }> = [];
  let stage = -1;
  let own: Stage = EMPTY;
  for (const line of lines) {
    const [, word = "", rest = ""] = /^(\S+)\s+(.*)$/s.exec(line) ?? [];
    const value = rest.replace(/\$\{(\w+)\}/g, (_, name) => args[name] ?? "");
    switch (word) {
      case "FROM": {
        const [image = "", , name = String(stage)] = value.split(/\s+/);
        const basis = stages.get(image);
        if (basis === undefined) images.push(image);
        own = { ...(basis ?? EMPTY) };
        stages.set(name, own);
        stage++;
        break;
      }
      case "ARG":
        Object.assign(args, Object.fromEntries([value.split("=")]));
        break;
      case "ENV":
        own.env = {
          ...own.env,
          ...Object.fromEntries(
            value.split(/\s+/).map((pair) => pair.split("=")),
          ),
        };
        break;
      case "EXPOSE":
        own.exposed = [...own.exposed, Number(value)];
        break;
      case "USER":
        own.user = value;
        break;
      case "ENTRYPOINT":
        own.entrypoint = JSON.parse(rest);
        break;
      case "CMD":
        own.cmd = JSON.parse(rest);
        break;
      case "HEALTHCHECK":
        own.healthcheck = JSON.parse(value.slice(value.indexOf("[")));
        break;
      case "COPY":
        copies.push({ stage, args: value.split(/\s+/) });
        break;
      case "RUN":
        runs.push({ stage, command: JSON.parse(value) });
        break;
      case "LABEL":
      case "WORKDIR":
      case "STOPSIGNAL":
        break;
      default:
        throw new SyntaxError(`Cannot read the Dockerfile: ${line}`);
    }
  }
  const image = target === undefined ? own : stages.get(target);
  if (image === undefined) throw new SyntaxError(`No stage is ${target}`);
  return { images: [...new Set(images)], copies, runs, ...image };
}

interface Stage {
  env: Readonly<Record<string, string>>;
  exposed: readonly number[];
  user: string | undefined;
  entrypoint: readonly string[];
  cmd: readonly string[];
  healthcheck: readonly string[];
}

const EMPTY: Stage = {
  env: {},
  exposed: [],
  user: undefined,
  entrypoint: [],
  cmd: [],
  healthcheck: [],
};
