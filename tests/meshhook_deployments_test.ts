/** The deployments of MeshHook against what they deploy. */
import { deepStrictEqual as assertEquals, match, ok } from "node:assert/strict";
import { environmentNames, readConfig } from "@mainstay/kernel/config";
import { type MeshhookConfig, meshhookSettings } from "@mainstay/meshhook";
import {
  interpolated,
  readOneYaml,
  readText,
  readYaml,
  seconds,
} from "./deployment_files.ts";
import { readDockerfile } from "./dockerfile.ts";
import { taskCommand } from "./task_command.ts";

const PROCESSES = ["meshhook", "meshhook-worker"] as const;
type Process = typeof PROCESSES[number];

const compose = readOneYaml("deployments/compose/meshhook-compose.yml");
const { "meshhook-postgres": postgres } = compose.services;
const inCompose = (process: Process) => compose.services[process];
const image = (process: Process) =>
  readDockerfile(
    readText("deployments/container/meshhook.Dockerfile"),
    process,
  );

/** Reads an environment as the process itself would, files from where it has them. */
function configured(
  process: Process,
  env: Record<string, string>,
  mounted: readonly string[],
): MeshhookConfig {
  const known = environmentNames(meshhookSettings);
  for (const name of Object.keys(env)) ok(known.includes(name), name);
  return readConfig(meshhookSettings, {
    args: [],
    env: { ...image(process).env, ...env },
    readTextFile(path) {
      ok(mounted.includes(path), `${path} is not mounted`);
      return path.includes("url")
        ? "postgres://meshhook_user:s3cret@meshhook-postgres/meshhook_db\n"
        : `${new Uint8Array(32).toBase64()}\n`;
    },
  });
}

const filesOf = (process: Process) =>
  inCompose(process).secrets.map((name: string) => `/run/secrets/${name}`);
const composed = (process: Process, env = {}) =>
  configured(
    process,
    interpolated(inCompose(process).environment, env),
    filesOf(process),
  );

/** A process' deployment, and what it reads from it. */
function inKubernetes(process: Process) {
  const folder = "deployments/kubernetes/meshhook";
  const file = process === "meshhook" ? "meshhook" : "worker";
  const [deployment, service, budget] = readYaml(`${folder}/${file}.yaml`);
  const pod = deployment.spec.template.spec;
  const [container] = pod.containers;
  const own = Object.fromEntries(
    (container.env ?? []).map((
      { name, value }: { name: string; value: string },
    ) => [name, value]),
  );
  const { items } = pod.volumes[0].secret;
  const mounted = items.map(({ path }: { path: string }) =>
    `${container.volumeMounts[0].mountPath}/${path}`
  );
  const { data } = readOneYaml(`${folder}/configmap.yaml`);
  const config = configured(process, { ...data, ...own }, mounted);
  return {
    deployment,
    service,
    budget,
    pod,
    container,
    config,
    items,
    mounted,
  };
}

Deno.test("both accept what compose and Kubernetes give them", () => {
  for (const process of PROCESSES) {
    for (const config of [composed(process), inKubernetes(process).config]) {
      assertEquals(config.environment, "production");
      assertEquals(config.serviceHost, "0.0.0.0");
      assertEquals(config.meshhookKek.length, 1);
      assertEquals(config.serviceName, process);
    }
  }
  assertEquals(composed("meshhook").trustedProxies, undefined);
  const env = { TRUSTED_PROXIES: "172.18.0.1" };
  assertEquals(composed("meshhook", env).trustedProxies, ["172.18.0.1"]);
  assertEquals(
    composed("meshhook-worker", { MESHHOOK_TARGETS: "10.1.0.0/16" }).targets,
    ["10.1.0.0/16"],
  );
  for (const network of inKubernetes("meshhook").config.trustedProxies ?? []) {
    ok(Number(network.split("/")[1] ?? 32) >= 24, `${network} is wide`);
  }
});

Deno.test("each is a user of PostgreSQL of its own, and neither its superuser", () => {
  const { POSTGRES_USER, POSTGRES_PASSWORD_FILE } = postgres.environment;
  assertEquals(POSTGRES_USER, "postgres");
  const superuser = POSTGRES_PASSWORD_FILE.slice("/run/secrets/".length);
  assertEquals(inCompose("meshhook").secrets, [
    "meshhook_database_url",
    "meshhook_kek",
  ]);
  assertEquals(inCompose("meshhook-worker").secrets, [
    "meshhook_worker_database_url",
    "meshhook_kek",
  ]);
  const [{ source, target }] = postgres.configs;
  match(target, /^\/docker-entrypoint-initdb\.d\/\w+\.sql$/);
  assertEquals(compose.configs[source].file, "../postgres/meshhook_roles.sql");
  const script = readText("deployments/postgres/meshhook_roles.sql");
  const files = [...script.matchAll(/'secrets'\/(\w+)/g)].map(([, file]) =>
    file
  );
  assertEquals([superuser, ...files], postgres.secrets);
  assertEquals(
    PROCESSES.map((process) => inKubernetes(process).items[0].key),
    ["database-url", "worker-database-url"],
  );
});

Deno.test("the server's port is on loopback alone; workers publish none", () => {
  const { servicePort } = composed("meshhook");
  assertEquals(servicePort, 8084);
  assertEquals(image("meshhook").exposed, [servicePort]);
  assertEquals(inCompose("meshhook").ports, ["127.0.0.1:8084:8084"]);
  assertEquals(inCompose("meshhook-worker").ports, undefined);
  ok(inCompose("meshhook-worker").deploy.replicas >= 2);
  for (const port of postgres.ports) ok(port.startsWith("127.0.0.1:"));
});

Deno.test("PostgreSQL has room for every process' connections, and more", () => {
  const max = Number(/^max_connections=(\d+)$/.exec(postgres.command[2])?.[1]);
  const processes = 1 + inCompose("meshhook-worker").deploy.replicas;
  // Two pools; the owner's and the probes' 4 each, and two that listen.
  const each = 2 * composed("meshhook").databaseMaxOpenConns + 4 + 4 + 2;
  ok(max >= processes * each + 3, `${max} for ${processes} × ${each}`);
});

Deno.test("a backup is taken within every 24 hours, by the server", () => {
  for (
    const config of [composed("meshhook"), inKubernetes("meshhook").config]
  ) {
    const { backupSchedule, backupDir } = config;
    ok(typeof backupSchedule === "object" && "everyMs" in backupSchedule);
    ok(backupSchedule.everyMs <= 12 * 3_600_000);
    const [volume] = inCompose("meshhook").volumes;
    assertEquals(volume, `meshhook-backups:${backupDir}`);
    const mounts: { mountPath: string }[] =
      inKubernetes("meshhook").container.volumeMounts;
    ok(mounts.some(({ mountPath }) => mountPath === backupDir));
  }
  assertEquals(composed("meshhook-worker").backupSchedule, "off");
  assertEquals(inCompose("meshhook-worker").volumes, undefined);
});

Deno.test("grace periods are longer than a drain, a shutdown and a collector that hangs", () => {
  for (const process of PROCESSES) {
    const { drainDelayMs, shutdownTimeoutMs } = composed(process);
    ok(
      seconds(inCompose(process).stop_grace_period) >=
        (drainDelayMs + shutdownTimeoutMs) / 1000 + 5,
    );
    const { config, pod } = inKubernetes(process);
    ok(
      pod.terminationGracePeriodSeconds >=
        (config.drainDelayMs + config.shutdownTimeoutMs) / 1000 + 5,
    );
  }
});

Deno.test("nothing runs as root, writes its file system or keeps a capability", () => {
  for (const service of [postgres, ...PROCESSES.map(inCompose)]) {
    assertEquals(service.read_only, true);
    assertEquals(service.cap_drop, ["ALL"]);
    assertEquals(service.security_opt, ["no-new-privileges:true"]);
    assertEquals(service.privileged, undefined);
  }
  for (const process of PROCESSES) {
    assertEquals(image(process).user, "deno");
    assertEquals(inCompose(process).init, true);
    const { pod, container } = inKubernetes(process);
    assertEquals(pod.securityContext.runAsNonRoot, true);
    assertEquals(pod.automountServiceAccountToken, false);
    const { readOnlyRootFilesystem, allowPrivilegeEscalation, capabilities } =
      container.securityContext;
    assertEquals(
      [readOnlyRootFilesystem, allowPrivilegeEscalation, capabilities.drop],
      [true, false, ["ALL"]],
    );
  }
});

Deno.test("orchestrators ask the server's own probes, and the workers' operations", () => {
  const url = (path: string) => `http://127.0.0.1:8084${path}`;
  assertEquals(image("meshhook").healthcheck.at(-1), url("/health/live"));
  assertEquals(
    inCompose("meshhook").healthcheck.test.at(-1),
    url("/health/ready"),
  );
  const admin = (path: string) => `https://127.0.0.1:9090/${path}`;
  assertEquals(image("meshhook-worker").healthcheck.at(-1), admin("livez"));
  assertEquals(
    inCompose("meshhook-worker").healthcheck.test.at(-1),
    admin("readyz"),
  );
  for (const process of PROCESSES) {
    const { container, config } = inKubernetes(process);
    assertEquals(container.ports, [
      { name: "http", containerPort: config.servicePort },
      { name: "probes", containerPort: config.probePort },
    ]);
    const { periodSeconds, failureThreshold } = container.startupProbe;
    const longestMs = config.databaseConnectAttempts * 5000;
    ok(periodSeconds * failureThreshold * 1000 > longestMs);
  }
  const { livenessProbe, readinessProbe } = inKubernetes("meshhook").container;
  assertEquals([livenessProbe.httpGet, readinessProbe.httpGet], [
    { path: "/health/live", port: "http" },
    { path: "/health/ready", port: "http" },
  ]);
});

Deno.test("selectors find their pods, and each service is scraped", () => {
  const monitors = readYaml(
    "deployments/observability/meshhook-service-monitor.yaml",
  );
  for (const [index, process] of PROCESSES.entries()) {
    const { deployment, service, budget, pod } = inKubernetes(process);
    const { labels } = deployment.spec.template.metadata;
    for (
      const selector of [
        deployment.spec.selector.matchLabels,
        service.spec.selector,
        budget.spec.selector.matchLabels,
        pod.topologySpreadConstraints[0].labelSelector.matchLabels,
      ]
    ) assertEquals({ ...labels, ...selector }, labels);
    const { matchLabels } = monitors[index].spec.selector;
    const found = service.metadata.labels;
    assertEquals({ ...found, ...matchLabels }, found);
  }
});

for (const process of PROCESSES) {
  Deno.test(`the image of ${process} runs its task's command, from the cache alone`, () => {
    const [sh, flag, script = "", name] = image(process).entrypoint;
    assertEquals([sh, flag, name], ["sh", "-c", process]);
    const [before = "", command = ""] = script.split(" && exec deno ");
    ok(before.startsWith(`export $(sh bin/otel_environment ${name})`));
    const ours = ["--cached-only", "--frozen", "--no-code-cache"];
    const args = command.replaceAll("$DENO", Deno.execPath()).split(" ");
    ok(ours.every((arg) => args.includes(arg)));
    assertEquals(args.filter((arg) => !ours.includes(arg)), [
      ...taskCommand(`service:${process}`),
      '"$@"',
    ]);
  });
}

Deno.test("the server runs nothing, a worker Deno alone; neither asks, and a worker writes nothing", () => {
  const allowed = (process: Process) =>
    taskCommand(`service:${process}`)
      .filter((arg) => arg.startsWith("--allow-"))
      .map((arg) => arg.split("=")[0]);
  const usual = ["--allow-net", "--allow-read", "--allow-sys", "--allow-env"];
  assertEquals(
    allowed("meshhook").toSorted(),
    [...usual, "--allow-write"].toSorted(),
  );
  assertEquals(
    allowed("meshhook-worker").toSorted(),
    [...usual, "--allow-run"].toSorted(),
  );
  for (const process of PROCESSES) {
    const command = taskCommand(`service:${process}`);
    ok(command.includes("--no-prompt"));
    const folders = command.find((arg) => arg.startsWith("--allow-read="))
      ?.slice("--allow-read=".length).split(",") ?? [];
    ok(!folders.includes(".") && !folders.includes("services/meshhook"));
    for (
      const file of [...filesOf(process), ...inKubernetes(process).mounted]
    ) {
      ok(folders.some((folder) => file.startsWith(`${folder}/`)), file);
    }
  }
  ok(
    taskCommand("service:meshhook-worker")
      .includes(`--allow-run=${Deno.execPath()}`),
  );
});

Deno.test("no manifest holds a secret; images have versions", () => {
  const { stringData } = readOneYaml(
    "deployments/kubernetes/meshhook/secret.example.yaml",
  );
  assertEquals([...new Set(Object.values(stringData))], ["REPLACE_ME"]);
  for (const process of PROCESSES) {
    for (const name of ["DATABASE_URL", "MESHHOOK_KEK"]) {
      assertEquals(inCompose(process).environment[name], undefined);
    }
    assertEquals(image(process).images, [
      `denoland/deno:debian-${Deno.version.deno}`,
    ]);
  }
  match(postgres.image, /^postgres:\d+\.\d+-bookworm$/);
});

Deno.test("every alert of MeshHook is tested", () => {
  const folder = "deployments/observability";
  const tested = new Set(
    readOneYaml(`${folder}/meshhook-alerts-test.yaml`).tests
      .flatMap((test: { alert_rule_test: { alertname: string }[] }) =>
        test.alert_rule_test.map(({ alertname }) => alertname)
      ),
  );
  const alerts = readOneYaml(`${folder}/meshhook-prometheus-rule.yaml`).spec
    .groups.flatMap((group: { rules: { alert: string }[] }) =>
      group.rules.map(({ alert }) => alert)
    );
  ok(alerts.length > 4);
  assertEquals(alerts.filter((alert: string) => !tested.has(alert)), []);
});
