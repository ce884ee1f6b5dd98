/** What a Dockerfile says of the image that it makes: its last stage. */
export interface Dockerfile {
  /** Every image that a stage is made from, but other stages. */
  readonly images: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly exposed: readonly number[];
  readonly user: string | undefined;
  readonly entrypoint: readonly string[];
  readonly healthcheck: readonly string[];
  /** `COPY` lines of all stages, each with its stage's number. */
  readonly copies: ReadonlyArray<{ stage: number; args: readonly string[] }>;
  readonly runs: ReadonlyArray<{ stage: number; command: readonly string[] }>;
}

/**
 * Reads the part of the Dockerfile language that this repository uses: exec
 * forms only, `ARG` with defaults.
 *
 * @throws {SyntaxError} On anything else.
 */
export function readDockerfile(text: string): Dockerfile {
  const lines = text.replace(/^#.*\n/gm, "").replace(/\\\n\s*/g, " ")
    .split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const images: string[] = [];
  const stages = new Set<string>();
  const args: Record<string, string> = {};
  const copies: Array<{ stage: number; args: string[] }> = [];
  const runs: Array<{ stage: number; command: string[] }> = [];
  let env: Record<string, string> = {};
  let exposed: number[] = [];
  let user: string | undefined;
  let entrypoint: string[] = [];
  let healthcheck: string[] = [];
  let stage = -1;
  for (const line of lines) {
    const [, word = "", rest = ""] = /^(\S+)\s+(.*)$/s.exec(line) ?? [];
    const value = rest.replace(/\$\{(\w+)\}/g, (_, name) => args[name] ?? "");
    switch (word) {
      case "FROM": {
        const [image = "", , name] = value.split(/\s+/);
        if (!stages.has(image)) images.push(image);
        if (name !== undefined) stages.add(name);
        stage++;
        [env, exposed, user, entrypoint, healthcheck] = [{}, [], "", [], []];
        break;
      }
      case "ARG":
        Object.assign(args, Object.fromEntries([value.split("=")]));
        break;
      case "ENV":
        for (const pair of value.split(/\s+/)) {
          Object.assign(env, Object.fromEntries([pair.split("=")]));
        }
        break;
      case "EXPOSE":
        exposed.push(Number(value));
        break;
      case "USER":
        user = value;
        break;
      case "ENTRYPOINT":
        entrypoint = JSON.parse(value);
        break;
      case "HEALTHCHECK":
        healthcheck = JSON.parse(value.slice(value.indexOf("[")));
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
  return {
    images,
    env,
    exposed,
    user,
    entrypoint,
    healthcheck,
    copies,
    runs,
  };
}
