/**
 * The deployments against what they deploy: schemas, names, ports, times and
 * privileges. What needs an engine or a cluster is not run here; see
 * deployments/README.md.
 */
import { deepStrictEqual as assertEquals, ok } from "node:assert/strict";
import { globSync } from "node:fs";
import {
  type Config,
  environmentNames,
  readConfig,
} from "@mainstay/kernel/config";
import { eventsSettings } from "../services/events/config.ts";
import {
  checkCompose,
  checkManifest,
  readOneYaml as one,
  readText as read,
  readYaml,
  root,
  seconds,
} from "./deployment_files.ts";
import { readDockerfile } from "./dockerfile.ts";
import { metricsOfRules } from "./metrics_of_rules.ts";
import { taskCommand } from "./task_command.ts";

const KUBERNETES = "deployments/kubernetes/events";
const COMPOSE = "deployments/compose/events-compose.yml";
const dockerfile = readDockerfile(
  read("deployments/container/events.Dockerfile"),
);
const deployment = one(`${KUBERNETES}/deployment.yaml`);
const pod = deployment.spec.template.spec;
const [container] = pod.containers;
const configMap = one(`${KUBERNETES}/configmap.yaml`).data;
const compose = one(COMPOSE);
const { events, redis } = compose.services;

/** Reads an environment as the service itself would, secrets from files that exist only here. */
function configured(
  env: Record<string, string>,
  files: readonly string[],
): Config<typeof eventsSettings> {
  return readConfig(eventsSettings, {
    args: [],
    env: { ...dockerfile.env, ...env },
    readTextFile(path) {
      ok(files.includes(path), `${path} is not mounted`);
      return path.includes("api") ? `ops=${"0".repeat(64)}\n` : "s3cret\n";
    },
  });
}

const inCompose = configured(
  events.environment,
  events.secrets.map((name: string) => `/run/secrets/${name}`),
);
const mounted = Object.keys(
  one(`${KUBERNETES}/secret.example.yaml`).stringData,
).map((name) => `${container.volumeMounts[0].mountPath}/${name}`);
const inKubernetes = configured(configMap, mounted);

Deno.test("every YAML file of the deployments parses", () => {
  const files = globSync("deployments/**/*.{yml,yaml}", { cwd: root });
  ok(files.length > 10);
  for (const file of files) ok(readYaml(file).length > 0, file);
});

Deno.test("every manifest is valid in Kubernetes' own schemas", () => {
  const files = globSync("deployments/kubernetes/*/*.yaml", { cwd: root })
    .filter((file) => !file.endsWith("kustomization.yaml"));
  ok(files.length > 10);
  for (const file of files) {
    for (const manifest of readYaml(file)) checkManifest(manifest, file);
  }
});

Deno.test("each kustomization names every manifest but the example", () => {
  const folders = globSync("deployments/kubernetes/*", { cwd: root });
  assertEquals(folders.length, 3);
  for (const folder of folders) {
    const files = globSync("*.yaml", { cwd: new URL(`${folder}/`, root) })
      .filter((file) => !/^kustomization|example/.test(file));
    assertEquals(
      one(`${folder}/kustomization.yaml`).resources.toSorted(),
      files.toSorted(),
    );
  }
});

Deno.test("the compose files are valid in the Compose Specification's schema", () => {
  const files = globSync("deployments/compose/*-compose.yml", { cwd: root });
  assertEquals(files.length, 3);
  for (const file of files) checkCompose(one(file));
  let refused = false;
  try {
    checkCompose({ services: { a: { imag: "x" } } });
  } catch {
    refused = true;
  }
  ok(refused, "the schema is strict");
});

Deno.test("compose.yaml includes files that exist", () => {
  for (const file of one("deployments/compose/compose.yaml").include) {
    ok(read(`deployments/compose/${file}`).length > 0);
  }
});

Deno.test("the service accepts both environments, and knows each variable", () => {
  const known = new Set(environmentNames(eventsSettings));
  const given = [
    ...Object.keys(events.environment),
    ...Object.keys(configMap),
    ...Object.keys(dockerfile.env).filter((name) => !name.startsWith("DENO_")),
  ];
  assertEquals(given.filter((name) => !known.has(name)), []);
  for (const config of [inCompose, inKubernetes]) {
    assertEquals(config.environment, "production");
    assertEquals(config.serviceHost, "0.0.0.0");
    assertEquals(config.redisPassword, "s3cret");
    assertEquals(config.apiKeys?.length, 1);
  }
});

Deno.test("ports agree", () => {
  assertEquals(dockerfile.exposed, [inCompose.servicePort]);
  for (const port of events.ports) {
    ok(
      port.startsWith("127.0.0.1:") &&
        port.endsWith(`:${inCompose.servicePort}`),
    );
  }
  assertEquals(container.ports, [
    { name: "http", containerPort: inKubernetes.servicePort },
    { name: "probes", containerPort: inKubernetes.probePort },
  ]);
  for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
    assertEquals(container[probe].httpGet.port, "probes");
  }
  const service = one(`${KUBERNETES}/service.yaml`);
  assertEquals(service.spec.ports[0].targetPort, "http");
});

Deno.test("selectors find the pods", () => {
  const { labels } = deployment.spec.template.metadata;
  const selectors = [
    deployment.spec.selector.matchLabels,
    one(`${KUBERNETES}/service.yaml`).spec.selector,
    one(`${KUBERNETES}/pod_disruption_budget.yaml`).spec.selector.matchLabels,
    one(`${KUBERNETES}/network_policy.yaml`).spec.podSelector.matchLabels,
    ...pod.topologySpreadConstraints.map((
      constraint: { labelSelector: { matchLabels: object } },
    ) => constraint.labelSelector.matchLabels),
  ];
  for (const selector of selectors) {
    assertEquals({ ...labels, ...selector }, labels);
  }
});

Deno.test("grace periods are longer than a drain and a shutdown", () => {
  const needed = (config: typeof inCompose) =>
    (config.drainDelayMs + config.shutdownTimeoutMs) / 1000;
  ok(seconds(events.stop_grace_period) >= needed(inCompose) + 5);
  ok(pod.terminationGracePeriodSeconds >= needed(inKubernetes) + 5);
});

Deno.test("the startup probe waits longer than the attempts to reach Redis take", () => {
  const { maxRetryAttempts, connectionTimeoutMs, retryDelaysMs } = inKubernetes;
  let longestMs = maxRetryAttempts * connectionTimeoutMs;
  for (let pause = 0; pause < maxRetryAttempts - 1; pause++) {
    longestMs += retryDelaysMs[pause] ?? retryDelaysMs.at(-1) ?? 0;
  }
  const { periodSeconds, failureThreshold } = container.startupProbe;
  ok(periodSeconds * failureThreshold > longestMs / 1000);
});

Deno.test("the autoscaler goes by what the alerts go by, up to one replica a shard", () => {
  const { spec } = one(`${KUBERNETES}/horizontal_pod_autoscaler.yaml`);
  const known = metricsOfRules();
  for (const { external } of spec.metrics) {
    ok(external === undefined || known.includes(external.metric.name));
  }
  ok(spec.maxReplicas <= inKubernetes.streamShards);
  ok(spec.minReplicas >= 2, "a node may fail");
});

Deno.test("every image has a version, and Deno's is the one of this repository", () => {
  const images = [
    ...dockerfile.images,
    events.image,
    redis.image,
    container.image,
  ];
  const rolling = "gcr.io/distroless/cc-debian12:nonroot";
  for (const image of images) {
    ok(image === rolling || /:[a-z-]*\d+\.\d+\.\d+[\w.-]*$/.test(image), image);
  }
  for (const image of images.filter((i) => i.startsWith("denoland/"))) {
    ok(image.endsWith(Deno.version.deno), image);
  }
  assertEquals(container.image, events.image);
});

Deno.test("nothing runs as root, writes its file system or keeps a capability", () => {
  assertEquals(dockerfile.user, "nonroot");
  for (const service of [events, redis]) {
    assertEquals(service.read_only, true);
    assertEquals(service.cap_drop, ["ALL"]);
    assertEquals(service.security_opt, ["no-new-privileges:true"]);
    assertEquals(service.privileged, undefined);
    ok(service.deploy.resources.limits.memory);
  }
  ok(!redis.user.startsWith("0"));
  assertEquals(compose.networks.data.internal, true);
  assertEquals(redis.networks, ["data"]);
  assertEquals(pod.securityContext.runAsNonRoot, true);
  assertEquals(pod.securityContext.seccompProfile.type, "RuntimeDefault");
  assertEquals(pod.automountServiceAccountToken, false);
  const { readOnlyRootFilesystem, allowPrivilegeEscalation, capabilities } =
    container.securityContext;
  assertEquals(
    [readOnlyRootFilesystem, allowPrivilegeEscalation, capabilities.drop],
    [true, false, ["ALL"]],
  );
});

Deno.test("no manifest holds a secret", () => {
  for (
    const value of Object.values(
      one(`${KUBERNETES}/secret.example.yaml`).stringData,
    )
  ) assertEquals(value, "REPLACE_ME");
  for (const environment of [events.environment, configMap]) {
    for (const name of ["REDIS_PW", "API_KEYS", "ADMIN_TOKEN"]) {
      assertEquals(environment[name], undefined);
    }
  }
});

Deno.test("every file that a deployment names lies where the service may read", () => {
  const allowed = dockerfile.entrypoint
    .find((arg) => arg.startsWith("--allow-read="))
    ?.slice("--allow-read=".length).split(",") ?? [];
  const files = [events.environment, configMap]
    .flatMap((environment) => Object.entries<string>(environment))
    .filter(([name]) => name.endsWith("_FILE"));
  assertEquals(files.length, 4);
  for (const [name, file] of files) {
    ok(allowed.some((folder) => file.startsWith(`${folder}/`)), name);
  }
});

Deno.test("the image runs the task's command, with its permissions and Docker's socket", () => {
  const [run, ...rest] = taskCommand("service:events");
  assertEquals(run, "run");
  const ours = new Set([
    "--no-prompt",
    "--cached-only",
    "--frozen",
    "--no-code-cache",
  ]);
  const own = (args: readonly string[]) =>
    args.filter((arg) => !ours.has(arg)).toSorted();
  const [binary, command, ...args] = dockerfile.entrypoint;
  assertEquals([binary, command], ["/bin/deno", "run"]);
  // Outside a container, a host's name is none that Docker knows.
  const socket = "/var/run/docker.sock";
  const expected = rest.map((arg: string) =>
    arg.startsWith("--allow-read=") ? `${arg},${socket}` : arg
  );
  assertEquals(own(args), own([...expected, `--allow-write=${socket}`]));
  ok(args.includes("--cached-only") && args.includes("--frozen"));
});

Deno.test("compose puts an init before the service, for a SIGTERM that comes early", () => {
  assertEquals(events.init, true);
});

Deno.test("the compose health check is the image's, but for readiness", () => {
  const [kind, ...command] = events.healthcheck.test;
  assertEquals(kind, "CMD");
  assertEquals(command, [...dockerfile.healthcheck, "/health/ready"]);
});

Deno.test("Redis keeps what was accepted", () => {
  const lines = read("deployments/compose/redis.conf").split("\n");
  for (const line of ["appendonly yes", "maxmemory-policy noeviction"]) {
    ok(lines.includes(line), line);
  }
});

const RULES = "deployments/observability/events-prometheus-rule.yaml";

Deno.test("every alert is tested", () => {
  const tested = new Set(
    one("deployments/observability/events-alerts-test.yaml").tests
      .flatMap((test: { alert_rule_test: { alertname: string }[] }) =>
        test.alert_rule_test.map(({ alertname }) => alertname)
      ),
  );
  const alerts = one(RULES).spec.groups.flatMap((
    group: { rules: { alert: string }[] },
  ) => group.rules.map(({ alert }) => alert));
  assertEquals(alerts.filter((alert: string) => !tested.has(alert)), []);
});

Deno.test("the service may read its settings' variables and no others", () => {
  const allowed = taskCommand("service:events")
    .find((arg) => arg.startsWith("--allow-env="))
    ?.slice("--allow-env=".length).split(",") ?? [];
  const names = environmentNames(eventsSettings);
  const covers = (rule: string, name: string) =>
    rule.endsWith("*") ? name.startsWith(rule.slice(0, -1)) : name === rule;
  assertEquals(
    names.filter((name) => !allowed.some((rule) => covers(rule, name))),
    [],
  );
  assertEquals(
    allowed.filter((rule) => !names.some((name) => covers(rule, name))),
    [],
  );
});
