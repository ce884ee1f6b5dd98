/** The deployments of the identity servers against what they deploy, and against the runbook. */
import { deepStrictEqual as assertEquals, match, ok } from "node:assert/strict";
import {
  type IdentityConfig,
  type IdentityServer,
  identitySettings,
} from "@mainstay/identity";
import { readConfig } from "@mainstay/kernel/config";
import {
  interpolated,
  readOneYaml,
  readText,
  readYaml,
  seconds,
} from "./deployment_files.ts";
import { type Dockerfile, readDockerfile } from "./dockerfile.ts";
import { taskCommand } from "./task_command.ts";

const SERVERS: readonly IdentityServer[] = ["authz", "idp", "rs", "spa"];
const COMPOSE = "deployments/compose/identity-compose.yml";
const compose = readOneYaml(COMPOSE);
const inCompose = (server: IdentityServer) =>
  compose.services[`identity-${server === "spa" ? "spa-rp" : server}`];
const { "identity-postgres": postgres } = compose.services;
const image = (server: IdentityServer): Dockerfile =>
  readDockerfile(
    readText("deployments/container/identity.Dockerfile"),
    server,
  );

/** Reads an environment as the server itself would, files from where it has them. */
function configured(
  server: IdentityServer,
  env: Record<string, string>,
  mounted: readonly string[],
): IdentityConfig {
  const { cmd, env: own } = image(server);
  return readConfig(identitySettings(server), {
    args: cmd,
    env: { ...own, ...env },
    readTextFile(path) {
      if (path === "/app/configs/identity/production.yml") {
        return readText(path.slice("/app/".length));
      }
      ok(mounted.includes(path), `${path} is not mounted`);
      return path.includes("url")
        ? "postgres://identity_user:s3cret@identity-postgres/identity_db\n"
        : `${new Uint8Array(32).toBase64()}\n`;
    },
  });
}

const composed = (server: IdentityServer, env = {}) =>
  configured(
    server,
    interpolated(inCompose(server).environment, env),
    (inCompose(server).secrets ?? []).map((name: string) =>
      `/run/secrets/${name}`
    ),
  );

Deno.test("services and containers have the runbook's names", () => {
  for (const name of ["postgres", "authz", "idp", "rs", "spa-rp"]) {
    const service = compose.services[`identity-${name}`];
    assertEquals(service.container_name, `identity-${name}`);
  }
});

Deno.test("servers start in the runbook's order, each when the ones before are healthy", () => {
  const waits = (server: IdentityServer) => {
    const { depends_on: after } = inCompose(server);
    for (const { condition } of Object.values<{ condition: string }>(after)) {
      assertEquals(condition, "service_healthy");
    }
    return Object.keys(after);
  };
  assertEquals(waits("authz"), ["identity-postgres"]);
  assertEquals(waits("idp"), ["identity-postgres", "identity-authz"]);
  assertEquals(waits("rs"), ["identity-authz"]);
  assertEquals(waits("spa"), ["identity-authz", "identity-idp"]);
  assertEquals(postgres.healthcheck.test.slice(0, 2), ["CMD", "pg_isready"]);
});

Deno.test("limits and reservations are those of the runbook", () => {
  const memory = (service: typeof postgres) => {
    const { limits, reservations } = service.deploy.resources;
    return [limits.memory, reservations.memory, limits.cpus];
  };
  assertEquals(memory(postgres), ["512M", "256M", undefined]);
  for (const server of SERVERS) {
    assertEquals(memory(inCompose(server)), ["256M", "128M", undefined]);
  }
});

Deno.test("every server accepts what compose gives it, and is given no more secrets than it needs", () => {
  for (const server of SERVERS) {
    const config = composed(server);
    assertEquals(config.environment, "production");
    assertEquals(config.serviceHost, "0.0.0.0");
    assertEquals(
      config.otlpEndpoint,
      "http://opentelemetry-collector-contrib:4317",
    );
    assertEquals(config.authzInternalUrl, "http://identity-authz:8080");
    const known = Object.values(identitySettings(server)).map(({ env }) => env);
    for (const name of Object.keys(inCompose(server).environment)) {
      ok((known as string[]).includes(name.replace(/_FILE$/, "")), name);
    }
  }
  const secrets = (server: IdentityServer) => inCompose(server).secrets ?? [];
  assertEquals(secrets("authz"), [
    "identity_database_url",
    "key_encryption_keys",
  ]);
  assertEquals(secrets("idp"), [
    "identity_idp_database_url",
    "key_encryption_keys",
  ]);
  assertEquals(secrets("rs"), ["identity_rs_database_url"]);
  assertEquals(secrets("spa"), []);
});

Deno.test("no server is PostgreSQL's superuser, and each is a user of its own", () => {
  const { POSTGRES_USER, POSTGRES_PASSWORD_FILE } = postgres.environment;
  assertEquals(POSTGRES_USER, "postgres");
  const superuser = POSTGRES_PASSWORD_FILE.slice("/run/secrets/".length);
  ok(postgres.secrets.includes(superuser));
  for (const server of SERVERS) {
    ok(!(inCompose(server).secrets ?? []).includes(superuser), server);
  }
  const [{ source, target }] = postgres.configs;
  match(target, /^\/docker-entrypoint-initdb\.d\/\w+\.sql$/);
  assertEquals(compose.configs[source].file, "../postgres/identity_roles.sql");
  const script = readText("deployments/postgres/identity_roles.sql");
  const files = [...script.matchAll(/'secrets'\/(\w+)/g)].map(([, file]) =>
    file
  );
  assertEquals([superuser, ...files], postgres.secrets);
  const keys = (["authz", "idp", "rs"] as const).map((server) =>
    inKubernetes(server).pod.volumes[0].secret.items[0].key
  );
  assertEquals(keys, ["database-url", "idp-database-url", "rs-database-url"]);
});

Deno.test("proxies are trusted by address, none unless one is named", () => {
  for (const server of SERVERS) {
    assertEquals(composed(server).trustedProxies, undefined);
    const env = { TRUSTED_PROXIES: "172.18.0.1" };
    assertEquals(composed(server, env).trustedProxies, ["172.18.0.1"]);
    for (const network of inKubernetes(server).config.trustedProxies ?? []) {
      ok(Number(network.split("/")[1] ?? 32) >= 24, `${network} is wide`);
    }
  }
});

Deno.test("ports are the runbook's, on loopback alone", () => {
  const published = (service: { ports: string[] }) => service.ports;
  for (const server of SERVERS) {
    const { servicePort, adminPort } = composed(server);
    assertEquals(image(server).exposed, [servicePort]);
    assertEquals(published(inCompose(server)), [
      `127.0.0.1:${servicePort}:${servicePort}`,
    ]);
    assertEquals(adminPort, 9090);
  }
  assertEquals(SERVERS.map((server) => composed(server).servicePort), [
    ...[8080, 8081, 8082, 8083],
  ]);
  assertEquals(published(postgres), ["127.0.0.1:5433:5432"]);
  const { services } = compose;
  assertEquals(published(services["opentelemetry-collector-contrib"]), [
    "127.0.0.1:4317:4317",
    "127.0.0.1:4318:4318",
    "127.0.0.1:13133:13133",
  ]);
  assertEquals(published(services["grafana-otel-lgtm"]), [
    "127.0.0.1:3000:3000",
    "127.0.0.1:14317:4317",
    "127.0.0.1:14318:4318",
  ]);
});

Deno.test("PostgreSQL has room for the pools of all servers, and for more than them", () => {
  const [, , setting] = postgres.command;
  const max = Number(/^max_connections=(\d+)$/.exec(setting)?.[1]);
  const pools = (["authz", "idp", "rs"] as const)
    .reduce((sum, server) => sum + composed(server).databaseMaxOpenConns, 0);
  // A probe, a claim, a migration and a listener each; three for the superuser.
  ok(max >= pools + 3 * 4 + 3, `${max} for ${pools}`);
});

Deno.test("grace periods are longer than a drain, a shutdown and a collector that hangs", () => {
  for (const server of SERVERS) {
    const { drainDelayMs, shutdownTimeoutMs } = composed(server);
    const needed = (drainDelayMs + shutdownTimeoutMs) / 1000 + 5;
    ok(seconds(inCompose(server).stop_grace_period) >= needed, server);
    const { config, pod } = inKubernetes(server);
    ok(
      pod.terminationGracePeriodSeconds >=
        (config.drainDelayMs + config.shutdownTimeoutMs) / 1000 + 5,
    );
  }
});

Deno.test("nothing runs as root, writes its file system or keeps a capability", () => {
  for (const service of [postgres, ...SERVERS.map(inCompose)]) {
    assertEquals(service.read_only, true);
    assertEquals(service.cap_drop, ["ALL"]);
    assertEquals(service.security_opt, ["no-new-privileges:true"]);
    assertEquals(service.privileged, undefined);
  }
  for (const server of SERVERS) {
    assertEquals(image(server).user, "deno");
    assertEquals(inCompose(server).init, true);
    const { pod, container } = inKubernetes(server);
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

for (const server of SERVERS) {
  Deno.test(`the image of ${server} runs its task's command, from the cache alone`, () => {
    const [sh, flag, script = "", name] = image(server).entrypoint;
    assertEquals([sh, flag], ["sh", "-c"]);
    const [before, command = ""] = script.split(" && exec deno ");
    assertEquals(before, `export $(sh bin/otel_environment ${name})`);
    const ours = ["--cached-only", "--frozen", "--no-code-cache"];
    const args = command.split(" ");
    ok(ours.every((arg) => args.includes(arg)));
    assertEquals(args.filter((arg) => !ours.includes(arg)), [
      ...taskCommand(`service:${server}`),
      '"$@"',
    ]);
  });
}

Deno.test("health checks are the runbook's wget lines", () => {
  const line = (path: string) =>
    `wget --no-check-certificate -q -O - https://127.0.0.1:9090/${path}`;
  for (const server of SERVERS) {
    assertEquals(image(server).healthcheck.join(" "), line("livez"));
    const [kind, ...command] = inCompose(server).healthcheck.test;
    assertEquals([kind, command.join(" ")], ["CMD", line("readyz")]);
  }
});

Deno.test("Deno's images are of the version of this repository, and others have one", () => {
  const { images } = image("authz");
  assertEquals(images, [`denoland/deno:debian-${Deno.version.deno}`]);
  for (const name of ["grafana-otel-lgtm", "opentelemetry-collector-contrib"]) {
    match(compose.services[name].image, /:\d+\.\d+\.\d+$/);
  }
  match(postgres.image, /^postgres:\d+\.\d+-bookworm$/);
});

const collector = readOneYaml("deployments/observability/collector.yaml");

Deno.test("the collector takes what is sent, scrapes every server, and says that it is well", () => {
  for (
    const pipeline of Object.values<Record<string, string[]>>(
      collector.service.pipelines,
    )
  ) {
    for (const [kind, names] of Object.entries(pipeline)) {
      for (const name of names) ok(name in collector[kind], `${kind}: ${name}`);
    }
  }
  assertEquals(collector.service.extensions, ["health_check"]);
  assertEquals(collector.extensions.health_check.endpoint, "0.0.0.0:13133");
  const { grpc, http } = collector.receivers.otlp.protocols;
  assertEquals([grpc.endpoint, http.endpoint], [
    "0.0.0.0:4317",
    "0.0.0.0:4318",
  ]);
  assertEquals(
    collector.receivers.prometheus.config.scrape_configs.map((
      job: { job_name: string; static_configs: { targets: string[] }[] },
    ) => [job.job_name, job.static_configs[0]?.targets]),
    SERVERS.map((server) => [
      composed(server).serviceName,
      [`${inCompose(server).container_name}:${composed(server).servicePort}`],
    ]),
  );
  const { endpoint } = collector.exporters.otlphttp;
  ok(new URL(endpoint).hostname in compose.services);
});

/** A server's deployment, and what it reads from it. */
function inKubernetes(server: IdentityServer) {
  const [deployment, service, budget] = readYaml(
    `deployments/kubernetes/identity/${server}.yaml`,
  );
  const pod = deployment.spec.template.spec;
  const [container] = pod.containers;
  const { data } = readOneYaml(
    "deployments/kubernetes/identity/configmap.yaml",
  );
  const own = Object.fromEntries(
    (container.env ?? []).map((
      { name, value }: { name: string; value: string },
    ) => [name, value]),
  );
  const [secrets] = pod.volumes ?? [];
  const mounted = (secrets?.secret?.items ?? []).map((
    { path }: { path: string },
  ) => `${container.volumeMounts[0].mountPath}/${path}`);
  const config = configured(server, { ...data, ...own }, mounted);
  return { deployment, service, budget, pod, container, config, mounted };
}

Deno.test("every server accepts what Kubernetes gives it, and is found there", () => {
  for (const server of SERVERS) {
    const { deployment, service, budget, pod, container, config } =
      inKubernetes(server);
    assertEquals(config.environment, "production");
    assertEquals(new URL(config.issuer).protocol, "https:");
    assertEquals(config.authzInternalUrl, "http://authz");
    const { labels } = deployment.spec.template.metadata;
    for (
      const selector of [
        deployment.spec.selector.matchLabels,
        service.spec.selector,
        budget.spec.selector.matchLabels,
        ...pod.topologySpreadConstraints.map((
          constraint: { labelSelector: { matchLabels: object } },
        ) => constraint.labelSelector.matchLabels),
      ]
    ) assertEquals({ ...labels, ...selector }, labels);
    assertEquals(container.ports, [
      { name: "http", containerPort: config.servicePort },
      { name: "probes", containerPort: config.probePort },
    ]);
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
      assertEquals(container[probe].httpGet.port, "probes");
    }
    const { periodSeconds, failureThreshold } = container.startupProbe;
    const longestMs = config.databaseConnectAttempts * 5000;
    ok(periodSeconds * failureThreshold * 1000 > longestMs);
  }
});

Deno.test("no manifest holds a secret, and every file lies where its server may read", () => {
  const { stringData } = readOneYaml(
    "deployments/kubernetes/identity/secret.example.yaml",
  );
  assertEquals([...new Set(Object.values(stringData))], ["REPLACE_ME"]);
  for (const server of SERVERS) {
    const allowed = taskCommand(`service:${server}`)
      .find((arg) => arg.startsWith("--allow-read="))
      ?.slice("--allow-read=".length).split(",") ?? [];
    const files = [
      ...inKubernetes(server).mounted,
      ...(inCompose(server).secrets ?? []).map((name: string) =>
        `/run/secrets/${name}`
      ),
    ];
    for (const file of files) {
      ok(allowed.some((folder) => file.startsWith(`${folder}/`)), file);
    }
    for (const name of ["DATABASE_URL", "KEY_ENCRYPTION_KEYS"]) {
      assertEquals(inCompose(server).environment[name], undefined);
    }
  }
});

Deno.test("every alert is tested", () => {
  const folder = "deployments/observability";
  const tested = new Set(
    readOneYaml(`${folder}/identity-alerts-test.yaml`).tests
      .flatMap((test: { alert_rule_test: { alertname: string }[] }) =>
        test.alert_rule_test.map(({ alertname }) => alertname)
      ),
  );
  const alerts = readOneYaml(`${folder}/identity-prometheus-rule.yaml`).spec
    .groups.flatMap((group: { rules: { alert: string }[] }) =>
      group.rules.map(({ alert }) => alert)
    );
  assertEquals(alerts.filter((alert: string) => !tested.has(alert)), []);
});

Deno.test("make_secrets.sh makes what the compose files name, and replaces nothing", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const script = `${folder}/make_secrets.sh`;
    await Deno.writeTextFile(
      script,
      readText("deployments/compose/make_secrets.sh"),
    );
    const run = async () => {
      const { success, stdout } = await new Deno.Command("sh", {
        args: [script],
      }).output();
      ok(success);
      return new TextDecoder().decode(stdout);
    };
    const said = await run();
    const others = ["events", "meshhook"].map((name) =>
      readOneYaml(`deployments/compose/${name}-compose.yml`)
    );
    const files = [compose, ...others].flatMap(({ secrets }) =>
      Object.values<{ file: string }>(secrets).map(({ file }) =>
        `${folder}/${file}`
      )
    );
    const read = () => files.map((file) => Deno.readTextFileSync(file));
    const before = read();
    for (const text of before) ok(text.length > 20);
    for (const file of files) {
      assertEquals(Deno.statSync(file).mode! & 0o777, 0o444);
    }
    const [key = ""] = /[0-9a-f]{64}/.exec(said) ?? [];
    ok(key !== "" && before.every((text) => !text.includes(key)));
    assertEquals(await run(), "");
    assertEquals(read(), before);
    assertEquals(Deno.statSync(`${folder}/secrets`).mode! & 0o777, 0o700);
    const secret = (name: string) =>
      Deno.readTextFileSync(`${folder}/secrets/${name}`);
    const config = readConfig(identitySettings("authz"), {
      args: [],
      env: {
        DATABASE_URL: secret("identity_database_url"),
        KEY_ENCRYPTION_KEYS: secret("key_encryption_keys").trim(),
      },
    });
    ok(config.databaseUrl.includes(secret("identity_db_password").trim()));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("make_secrets.sh leaves no secret that could not be made, says so, and goes on the next time", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const script = `${folder}/make_secrets.sh`;
    await Deno.writeTextFile(
      script,
      readText("deployments/compose/make_secrets.sh"),
    );
    await Deno.mkdir(`${folder}/bin`);
    const run = async () => {
      const { code, stderr } = await new Deno.Command("sh", {
        args: [script],
        env: { PATH: `${folder}/bin:${Deno.env.get("PATH")}` },
      }).output();
      return { code, said: new TextDecoder().decode(stderr) };
    };
    const names = () =>
      [...Deno.readDirSync(`${folder}/secrets`)].map(({ name }) => name);
    // Half a secret, then a failure: a full disk, a missing library.
    const broken = async (body: string) => {
      await Deno.writeTextFile(`${folder}/bin/openssl`, `#!/bin/sh\n${body}\n`);
      await Deno.chmod(`${folder}/bin/openssl`, 0o755);
    };
    for (const body of ["printf abc; exit 1", "exit 0"]) {
      await broken(body);
      const { code, said } = await run();
      assertEquals(code, 1);
      match(said, /^Cannot make secrets\/redis_password: openssl failed$/m);
      assertEquals(names(), []);
    }
    // What an earlier release may have left.
    await Deno.writeTextFile(`${folder}/secrets/key_encryption_keys`, "");
    await Deno.remove(`${folder}/bin/openssl`);
    assertEquals(await run(), { code: 0, said: "" });
    ok(names().every((name) => !name.endsWith(".partial")));
    for (const name of names()) {
      ok(Deno.statSync(`${folder}/secrets/${name}`).size > 20, name);
    }
    // Of the last, the key and its hash come from two calls.
    await Deno.remove(`${folder}/secrets/api_keys`);
    await broken('[ "$1" = rand ] && exec /usr/bin/openssl "$@"; exit 1');
    match((await run()).said, /^Cannot make secrets\/api_keys/m);
    ok(!names().includes("api_keys"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
