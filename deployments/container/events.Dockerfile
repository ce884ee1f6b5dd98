# The image of the events service. Build it from the root of the repository:
#   docker build -f deployments/container/events.Dockerfile -t mainstay-events:0.1.0 .
#
# Images are pinned by version. A tag can be moved: before a release, pin each
# by digest too (docker buildx imagetools inspect <image>, then <image>@sha256:…).
# distroless has no versions but the Debian release; its digest is its version.

FROM denoland/deno:bin-2.9.6 AS deno

FROM denoland/deno:2.9.6 AS build
WORKDIR /app
ENV DENO_DIR=/deno-dir
# What the service imports and nothing else (see events.Dockerfile.dockerignore);
# of the other workspace members only their names.
COPY deno.json deno.lock ./
COPY cli/deno.json cli/
COPY console/deno.json console/
COPY services/identity/deno.json services/identity/
COPY services/meshhook/deno.json services/meshhook/
COPY tools/deno.json tools/
COPY contracts contracts
COPY kernel kernel
COPY adapters adapters
COPY services/events services/events
# Fetches and checks every dependency against the lock file, and compiles.
RUN ["deno", "cache", "--frozen", "services/events/main.ts", "services/events/healthcheck.ts"]

FROM gcr.io/distroless/cc-debian12:nonroot
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="mainstay-events" \
      org.opencontainers.image.description="Events over HTTP into Redis streams, processed in consumer groups" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="gcr.io/distroless/cc-debian12:nonroot"
COPY --from=deno /deno /bin/deno
COPY --from=build /deno-dir /deno-dir
COPY --from=build /app /app
WORKDIR /app
# Nothing is written: the root file system can be read-only.
ENV DENO_DIR=/deno-dir \
    DENO_NO_UPDATE_CHECK=1 \
    SERVICE_HOST=0.0.0.0 \
    SERVICE_NAME=events \
    SERVICE_VERSION=${VERSION} \
    ENVIRONMENT=production \
    LOG_FORMAT=json
USER nonroot
EXPOSE 8000
# SIGTERM drains: the grace period must be longer than DRAIN_DELAY + SHUTDOWN_TIMEOUT.
STOPSIGNAL SIGTERM
# Liveness: what fails it is cured by a restart. A lost Redis is not, and does not.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["/bin/deno", "run", "--no-prompt", "--cached-only", "--no-code-cache", "--allow-net=127.0.0.1", "--allow-env=SERVICE_PORT", "services/events/healthcheck.ts"]
# The command of `deno task service:events`, from the cache alone.
ENTRYPOINT ["/bin/deno", "run", "--no-prompt", "--cached-only", "--frozen", "--no-code-cache", "--allow-net", "--allow-read=adapters/http,configs,/run/secrets,/etc/mainstay,/var/run/docker.sock", "--allow-write=/var/run/docker.sock", "--allow-sys=hostname,systemMemoryInfo", "--allow-env=SERVICE_*,ADMIN_*,LOG_*,TLS_*,CORS_*,RATE_LIMIT*,REDIS_*,STREAM*,API_KEYS*,AUTH_*,MAX_*,LOCAL_ACCESS,ENVIRONMENT,TIMEZONE,DRAIN_DELAY,SHUTDOWN_TIMEOUT,PROBE_PORT,STALL_THRESHOLD,TRUSTED_PROXIES,REQUEST_TIMEOUT,BODY_TIMEOUT,PUBLIC_METRICS,DEBUG_ENDPOINTS,CONNECTION_TIMEOUT,RETRY_DELAYS,CONSUMER_GROUP,HANDLER_CONCURRENCY,TEST_EVENT_SCHEDULE,OTLP_ENDPOINT", "services/events/main.ts"]
