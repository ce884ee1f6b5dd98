# The images of MeshHook, one target each: its server, and its worker. Build them
# from the root of the repository:
#   docker build -f deployments/container/meshhook.Dockerfile --target meshhook -t mainstay-meshhook:0.1.0 .
#
# A base with sh, since it starts them, and wget, for probes. Pin by digest before
# a release.

FROM denoland/deno:debian-2.9.6 AS build
WORKDIR /app
ENV DENO_DIR=/deno-dir
# What they import and nothing else (see meshhook.Dockerfile.dockerignore); of
# the other workspace members only their names.
COPY deno.json deno.lock ./
COPY cli/deno.json cli/
COPY console/deno.json console/
COPY services/events/deno.json services/events/
COPY services/identity/deno.json services/identity/
COPY tools/deno.json tools/
COPY bin/otel_environment bin/
COPY contracts contracts
COPY kernel kernel
COPY adapters adapters
COPY services/meshhook services/meshhook
# Fetches and checks every dependency against the lock file, and compiles.
RUN ["deno", "cache", "--frozen", "services/meshhook/main.ts", "services/meshhook/orchestrator/main.ts", "services/meshhook/worker/expression_thread.ts", "services/meshhook/executor/main.ts"]

FROM denoland/deno:debian-2.9.6 AS base
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN ["sh", "-c", "apt-get update && apt-get install -y --no-install-recommends wget && rm -rf /var/lib/apt/lists/*"]
# A volume that is mounted here belongs to whom the folder belongs to.
RUN ["install", "-d", "-o", "deno", "-g", "deno", "-m", "0700", "/var/lib/mainstay", "/var/lib/mainstay/backups"]
COPY --from=build /deno-dir /deno-dir
COPY --from=build /app /app
WORKDIR /app
# Nothing is written but backups: the root file system can be read-only.
ENV DENO_DIR=/deno-dir \
    DENO_NO_UPDATE_CHECK=1 \
    SERVICE_HOST=0.0.0.0 \
    SERVICE_VERSION=${VERSION} \
    ENVIRONMENT=production \
    LOG_FORMAT=json
USER deno
# SIGTERM drains: the grace period must be longer than DRAIN_DELAY + SHUTDOWN_TIMEOUT.
STOPSIGNAL SIGTERM
# Liveness: what fails it is cured by a restart. A lost database is not, and does not.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["wget", "--no-check-certificate", "-q", "-O", "-", "https://127.0.0.1:9090/livez"]

# Each runs the command of its task, from the cache alone.
FROM base AS meshhook
EXPOSE 8084
# Its own probe for orchestrators.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["wget", "-q", "-O", "-", "http://127.0.0.1:8084/health/live"]
ENTRYPOINT ["sh","-c","export $(sh bin/otel_environment meshhook) && exec deno run --no-prompt --cached-only --frozen --no-code-cache --allow-net --allow-read=adapters/http,services/meshhook/storage/migrations,configs,/run/secrets,/etc/mainstay,/var/lib/mainstay/backups,.mainstay/backups --allow-write=/var/lib/mainstay/backups,.mainstay/backups --allow-sys=hostname,systemMemoryInfo --allow-env=SERVICE_NAME,SERVICE_VERSION,ENVIRONMENT,LOG_LEVEL,LOG_FORMAT,TIMEZONE,DRAIN_DELAY,SHUTDOWN_TIMEOUT,OTLP_ENDPOINT,SERVICE_HOST,SERVICE_PORT,ADMIN_HOST,ADMIN_PORT,ADMIN_TOKEN,ADMIN_TOKEN_FILE,ADMIN_TLS_CERT_FILE,ADMIN_TLS_KEY_FILE,PROBE_PORT,STALL_THRESHOLD,TLS_CERT_FILE,TLS_KEY_FILE,CORS_ORIGINS,CORS_CREDENTIALS,TRUSTED_PROXIES,RATE_LIMIT,RATE_LIMIT_WINDOW,REQUEST_TIMEOUT,BODY_TIMEOUT,MAX_BODY,PUBLIC_METRICS,DEBUG_ENDPOINTS,DATABASE_URL,DATABASE_URL_FILE,DATABASE_MAX_OPEN_CONNS,DATABASE_MAX_IDLE_CONNS,DATABASE_CONN_MAX_LIFETIME,DATABASE_CONNECT_TIMEOUT,DATABASE_CONNECT_ATTEMPTS,DATABASE_STATEMENT_TIMEOUT,BACKUP_SCHEDULE,BACKUP_DIR,BACKUP_KEEP,MESHHOOK_KEK,MESHHOOK_KEK_FILE,MAX_WEBHOOK,WEBHOOK_RATE_LIMIT,HEALTH_CRITICAL,WORKER_CONCURRENCY,TARGETS,EVENTS_URL,EVENTS_API_KEY,EVENTS_API_KEY_FILE,LEASE,SUPABASE_URL,SUPABASE_KEY,SUPABASE_KEY_FILE,REALTIME_MAX_SOCKETS,REALTIME_MAX_CHANNELS,REALTIME_JOIN_RATE,REALTIME_MAX_MESSAGE,REALTIME_IDLE_TIMEOUT,AUTH_ISSUER,AUTH_JWKS_URL,AUTH_AUDIENCE,LOG_STREAM,LOG_TOKENS,PGBINARY,PGCLIENT_ENCODING,PGOPTIONS,PGREPLICATION,PGSSLMODE,PGSSLNEGOTIATION services/meshhook/main.ts \"$@\"","meshhook"]

FROM base AS meshhook-worker
ENV SERVICE_NAME=meshhook-worker
EXPOSE 8084
ENTRYPOINT ["sh","-c","export $(sh bin/otel_environment meshhook-worker) DENO=$(deno eval 'console.log(Deno.execPath())') && exec deno run --no-prompt --cached-only --frozen --no-code-cache --allow-net --allow-read=adapters/http,services/meshhook/storage/migrations,services/meshhook/domain,services/meshhook/executor,services/meshhook/worker,configs,/run/secrets,/etc/mainstay --allow-sys=hostname,systemMemoryInfo --allow-env=SERVICE_NAME,SERVICE_VERSION,ENVIRONMENT,LOG_LEVEL,LOG_FORMAT,TIMEZONE,DRAIN_DELAY,SHUTDOWN_TIMEOUT,OTLP_ENDPOINT,SERVICE_HOST,SERVICE_PORT,ADMIN_HOST,ADMIN_PORT,ADMIN_TOKEN,ADMIN_TOKEN_FILE,ADMIN_TLS_CERT_FILE,ADMIN_TLS_KEY_FILE,PROBE_PORT,STALL_THRESHOLD,TLS_CERT_FILE,TLS_KEY_FILE,CORS_ORIGINS,CORS_CREDENTIALS,TRUSTED_PROXIES,RATE_LIMIT,RATE_LIMIT_WINDOW,REQUEST_TIMEOUT,BODY_TIMEOUT,MAX_BODY,PUBLIC_METRICS,DEBUG_ENDPOINTS,DATABASE_URL,DATABASE_URL_FILE,DATABASE_MAX_OPEN_CONNS,DATABASE_MAX_IDLE_CONNS,DATABASE_CONN_MAX_LIFETIME,DATABASE_CONNECT_TIMEOUT,DATABASE_CONNECT_ATTEMPTS,DATABASE_STATEMENT_TIMEOUT,BACKUP_SCHEDULE,BACKUP_DIR,BACKUP_KEEP,MESHHOOK_KEK,MESHHOOK_KEK_FILE,MAX_WEBHOOK,WEBHOOK_RATE_LIMIT,HEALTH_CRITICAL,WORKER_CONCURRENCY,TARGETS,EVENTS_URL,EVENTS_API_KEY,EVENTS_API_KEY_FILE,LEASE,SUPABASE_URL,SUPABASE_KEY,SUPABASE_KEY_FILE,REALTIME_MAX_SOCKETS,REALTIME_MAX_CHANNELS,REALTIME_JOIN_RATE,REALTIME_MAX_MESSAGE,REALTIME_IDLE_TIMEOUT,AUTH_ISSUER,AUTH_JWKS_URL,AUTH_AUDIENCE,LOG_STREAM,LOG_TOKENS,PGBINARY,PGCLIENT_ENCODING,PGOPTIONS,PGREPLICATION,PGSSLMODE,PGSSLNEGOTIATION --allow-run=$DENO services/meshhook/orchestrator/main.ts \"$@\"","meshhook-worker"]
