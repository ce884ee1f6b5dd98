# The images of the identity servers, one target each. Build them from the root
# of the repository:
#   docker build -f deployments/container/identity.Dockerfile --target authz -t mainstay-authz:0.1.0 .
#
# A base with sh, cat and wget, since operators call them inside; see
# events.Dockerfile for an image without. Pin by digest before a release.

FROM denoland/deno:debian-2.9.6 AS console
WORKDIR /app
ENV DENO_DIR=/deno-dir
COPY deno.json deno.lock ./
COPY cli/deno.json cli/
COPY adapters/deno.json adapters/
COPY services/events/deno.json services/events/
COPY services/identity/deno.json services/identity/
COPY services/meshhook/deno.json services/meshhook/
COPY kernel kernel
COPY contracts contracts
COPY console console
COPY tools tools
RUN ["deno", "run", "-A", "--frozen", "tools/build_console.ts"]

FROM denoland/deno:debian-2.9.6 AS build
WORKDIR /app
ENV DENO_DIR=/deno-dir
# What the servers import and nothing else (see identity.Dockerfile.dockerignore);
# of the other workspace members only their names.
COPY deno.json deno.lock ./
COPY cli/deno.json cli/
COPY console/deno.json console/
COPY services/events/deno.json services/events/
COPY services/meshhook/deno.json services/meshhook/
COPY tools/deno.json tools/
COPY bin/otel_environment bin/
COPY configs configs
COPY contracts contracts
COPY kernel kernel
COPY adapters adapters
COPY services/identity services/identity
# Fetches and checks every dependency against the lock file, and compiles.
RUN ["deno", "cache", "--frozen", "services/identity/authz/main.ts", "services/identity/idp/main.ts", "services/identity/rs/main.ts", "services/identity/spa/main.ts"]

FROM denoland/deno:debian-2.9.6 AS base
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# wget for probes, pg_isready for a look at the database from where a server is.
RUN ["sh", "-c", "apt-get update && apt-get install -y --no-install-recommends postgresql-client wget && rm -rf /var/lib/apt/lists/*"]
# A volume that is mounted here belongs to whom the folder belongs to.
RUN ["install", "-d", "-o", "deno", "-g", "deno", "-m", "0700", "/var/lib/mainstay", "/var/lib/mainstay/backups"]
COPY --from=build /deno-dir /deno-dir
COPY --from=build /app /app
WORKDIR /app
# Nothing is written but backups: the root file system can be read-only.
ENV DENO_DIR=/deno-dir \
    DENO_NO_UPDATE_CHECK=1 \
    SERVICE_HOST=0.0.0.0 \
    SERVICE_VERSION=${VERSION}
USER deno
# SIGTERM drains: the grace period must be longer than DRAIN_DELAY + SHUTDOWN_TIMEOUT.
STOPSIGNAL SIGTERM
# Liveness: what fails it is cured by a restart. A lost database is not, and does not.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["wget", "--no-check-certificate", "-q", "-O", "-", "https://127.0.0.1:9090/livez"]
CMD ["--config=/app/configs/identity/production.yml"]

# Each runs the command of its task, from the cache alone.
FROM base AS authz
EXPOSE 8080
ENTRYPOINT ["sh","-c","export $(sh bin/otel_environment authz) && exec deno run --no-prompt --cached-only --frozen --no-code-cache --allow-net --allow-read=adapters/http,adapters/passwords,services/identity/storage/migrations,configs,/run/secrets,/etc/mainstay,/var/lib/mainstay/backups,.mainstay/backups --allow-write=/var/lib/mainstay/backups,.mainstay/backups --allow-sys=hostname,systemMemoryInfo --allow-env=SERVICE_NAME,SERVICE_VERSION,ENVIRONMENT,LOG_LEVEL,LOG_FORMAT,TIMEZONE,DRAIN_DELAY,SHUTDOWN_TIMEOUT,OTLP_ENDPOINT,SERVICE_HOST,SERVICE_PORT,ADMIN_HOST,ADMIN_PORT,ADMIN_TOKEN,ADMIN_TOKEN_FILE,ADMIN_TLS_CERT_FILE,ADMIN_TLS_KEY_FILE,PROBE_PORT,STALL_THRESHOLD,TLS_CERT_FILE,TLS_KEY_FILE,CORS_ORIGINS,CORS_CREDENTIALS,TRUSTED_PROXIES,RATE_LIMIT,RATE_LIMIT_WINDOW,REQUEST_TIMEOUT,BODY_TIMEOUT,MAX_BODY,PUBLIC_METRICS,DEBUG_ENDPOINTS,MTLS_PORT,MTLS_CERT_FILE,MTLS_KEY_FILE,MTLS_CA_FILE,MTLS_PROXY_HEADER,DATABASE_URL,DATABASE_URL_FILE,DATABASE_MAX_OPEN_CONNS,DATABASE_MAX_IDLE_CONNS,DATABASE_CONN_MAX_LIFETIME,DATABASE_CONNECT_TIMEOUT,DATABASE_CONNECT_ATTEMPTS,DATABASE_STATEMENT_TIMEOUT,BACKUP_SCHEDULE,BACKUP_DIR,BACKUP_KEEP,ISSUER,IDP_URL,RS_URL,SPA_URL,KEY_ENCRYPTION_KEYS,KEY_ENCRYPTION_KEYS_FILE,MTLS_URL,DPOP_NONCE,ACCESS_TOKEN_LIFETIME,REFRESH_TOKEN_LIFETIME,REFRESH_GRACE,GRANT_LIFETIME,CODE_LIFETIME,SESSION_LIFETIME,KEY_ROTATION_INTERVAL,CLEANUP_INTERVAL,SMTP_URL,SMTP_URL_FILE,MAIL_FROM,SIGN_UP,AUTHZ_INTERNAL_URL,IDP_INTERNAL_URL,SPA_INTERNAL_URL,TOKEN_CACHE_SIZE,TOKEN_CACHE_LIFETIME,KEY_CACHE_LIFETIME,STATUS_SERVICES,STATUS_INTERVAL,SPA_CLIENT_ID,CONSOLE_FOLDER,LOG_STREAM,LOG_TOKENS,PGBINARY,PGCLIENT_ENCODING,PGOPTIONS,PGREPLICATION,PGSSLMODE,PGSSLNEGOTIATION services/identity/authz/main.ts \"$@\"","authz"]

FROM base AS idp
EXPOSE 8081
ENTRYPOINT ["sh","-c","export $(sh bin/otel_environment idp) && exec deno run --no-prompt --cached-only --frozen --no-code-cache --allow-net --allow-read=adapters/http,adapters/passwords,services/identity/storage/migrations,configs,/run/secrets,/etc/mainstay --allow-sys=hostname,systemMemoryInfo --allow-env=SERVICE_NAME,SERVICE_VERSION,ENVIRONMENT,LOG_LEVEL,LOG_FORMAT,TIMEZONE,DRAIN_DELAY,SHUTDOWN_TIMEOUT,OTLP_ENDPOINT,SERVICE_HOST,SERVICE_PORT,ADMIN_HOST,ADMIN_PORT,ADMIN_TOKEN,ADMIN_TOKEN_FILE,ADMIN_TLS_CERT_FILE,ADMIN_TLS_KEY_FILE,PROBE_PORT,STALL_THRESHOLD,TLS_CERT_FILE,TLS_KEY_FILE,CORS_ORIGINS,CORS_CREDENTIALS,TRUSTED_PROXIES,RATE_LIMIT,RATE_LIMIT_WINDOW,REQUEST_TIMEOUT,BODY_TIMEOUT,MAX_BODY,PUBLIC_METRICS,DEBUG_ENDPOINTS,MTLS_PORT,MTLS_CERT_FILE,MTLS_KEY_FILE,MTLS_CA_FILE,MTLS_PROXY_HEADER,DATABASE_URL,DATABASE_URL_FILE,DATABASE_MAX_OPEN_CONNS,DATABASE_MAX_IDLE_CONNS,DATABASE_CONN_MAX_LIFETIME,DATABASE_CONNECT_TIMEOUT,DATABASE_CONNECT_ATTEMPTS,DATABASE_STATEMENT_TIMEOUT,BACKUP_SCHEDULE,BACKUP_DIR,BACKUP_KEEP,ISSUER,IDP_URL,RS_URL,SPA_URL,KEY_ENCRYPTION_KEYS,KEY_ENCRYPTION_KEYS_FILE,MTLS_URL,DPOP_NONCE,ACCESS_TOKEN_LIFETIME,REFRESH_TOKEN_LIFETIME,REFRESH_GRACE,GRANT_LIFETIME,CODE_LIFETIME,SESSION_LIFETIME,KEY_ROTATION_INTERVAL,CLEANUP_INTERVAL,SMTP_URL,SMTP_URL_FILE,MAIL_FROM,SIGN_UP,AUTHZ_INTERNAL_URL,IDP_INTERNAL_URL,SPA_INTERNAL_URL,TOKEN_CACHE_SIZE,TOKEN_CACHE_LIFETIME,KEY_CACHE_LIFETIME,STATUS_SERVICES,STATUS_INTERVAL,SPA_CLIENT_ID,CONSOLE_FOLDER,LOG_STREAM,LOG_TOKENS,PGBINARY,PGCLIENT_ENCODING,PGOPTIONS,PGREPLICATION,PGSSLMODE,PGSSLNEGOTIATION services/identity/idp/main.ts \"$@\"","idp"]

FROM base AS rs
EXPOSE 8082
ENTRYPOINT ["sh","-c","export $(sh bin/otel_environment rs) && exec deno run --no-prompt --cached-only --frozen --no-code-cache --allow-net --allow-read=adapters/http,services/identity/storage/migrations,configs,/run/secrets,/etc/mainstay --allow-sys=hostname,systemMemoryInfo --allow-env=SERVICE_NAME,SERVICE_VERSION,ENVIRONMENT,LOG_LEVEL,LOG_FORMAT,TIMEZONE,DRAIN_DELAY,SHUTDOWN_TIMEOUT,OTLP_ENDPOINT,SERVICE_HOST,SERVICE_PORT,ADMIN_HOST,ADMIN_PORT,ADMIN_TOKEN,ADMIN_TOKEN_FILE,ADMIN_TLS_CERT_FILE,ADMIN_TLS_KEY_FILE,PROBE_PORT,STALL_THRESHOLD,TLS_CERT_FILE,TLS_KEY_FILE,CORS_ORIGINS,CORS_CREDENTIALS,TRUSTED_PROXIES,RATE_LIMIT,RATE_LIMIT_WINDOW,REQUEST_TIMEOUT,BODY_TIMEOUT,MAX_BODY,PUBLIC_METRICS,DEBUG_ENDPOINTS,MTLS_PORT,MTLS_CERT_FILE,MTLS_KEY_FILE,MTLS_CA_FILE,MTLS_PROXY_HEADER,DATABASE_URL,DATABASE_URL_FILE,DATABASE_MAX_OPEN_CONNS,DATABASE_MAX_IDLE_CONNS,DATABASE_CONN_MAX_LIFETIME,DATABASE_CONNECT_TIMEOUT,DATABASE_CONNECT_ATTEMPTS,DATABASE_STATEMENT_TIMEOUT,BACKUP_SCHEDULE,BACKUP_DIR,BACKUP_KEEP,ISSUER,IDP_URL,RS_URL,SPA_URL,KEY_ENCRYPTION_KEYS,KEY_ENCRYPTION_KEYS_FILE,MTLS_URL,DPOP_NONCE,ACCESS_TOKEN_LIFETIME,REFRESH_TOKEN_LIFETIME,REFRESH_GRACE,GRANT_LIFETIME,CODE_LIFETIME,SESSION_LIFETIME,KEY_ROTATION_INTERVAL,CLEANUP_INTERVAL,SMTP_URL,SMTP_URL_FILE,MAIL_FROM,SIGN_UP,AUTHZ_INTERNAL_URL,IDP_INTERNAL_URL,SPA_INTERNAL_URL,TOKEN_CACHE_SIZE,TOKEN_CACHE_LIFETIME,KEY_CACHE_LIFETIME,STATUS_SERVICES,STATUS_INTERVAL,SPA_CLIENT_ID,CONSOLE_FOLDER,LOG_STREAM,LOG_TOKENS,PGBINARY,PGCLIENT_ENCODING,PGOPTIONS,PGREPLICATION,PGSSLMODE,PGSSLNEGOTIATION services/identity/rs/main.ts \"$@\"","rs"]

FROM base AS spa
COPY --from=console /app/.mainstay/console/dist /app/.mainstay/console/dist
EXPOSE 8083
ENTRYPOINT ["sh","-c","export $(sh bin/otel_environment spa-rp) && exec deno run --no-prompt --cached-only --frozen --no-code-cache --allow-net --allow-read=adapters/http,configs,/run/secrets,/etc/mainstay,.mainstay/console --allow-sys=hostname,systemMemoryInfo --allow-env=SERVICE_NAME,SERVICE_VERSION,ENVIRONMENT,LOG_LEVEL,LOG_FORMAT,TIMEZONE,DRAIN_DELAY,SHUTDOWN_TIMEOUT,OTLP_ENDPOINT,SERVICE_HOST,SERVICE_PORT,ADMIN_HOST,ADMIN_PORT,ADMIN_TOKEN,ADMIN_TOKEN_FILE,ADMIN_TLS_CERT_FILE,ADMIN_TLS_KEY_FILE,PROBE_PORT,STALL_THRESHOLD,TLS_CERT_FILE,TLS_KEY_FILE,CORS_ORIGINS,CORS_CREDENTIALS,TRUSTED_PROXIES,RATE_LIMIT,RATE_LIMIT_WINDOW,REQUEST_TIMEOUT,BODY_TIMEOUT,MAX_BODY,PUBLIC_METRICS,DEBUG_ENDPOINTS,MTLS_PORT,MTLS_CERT_FILE,MTLS_KEY_FILE,MTLS_CA_FILE,MTLS_PROXY_HEADER,DATABASE_URL,DATABASE_URL_FILE,DATABASE_MAX_OPEN_CONNS,DATABASE_MAX_IDLE_CONNS,DATABASE_CONN_MAX_LIFETIME,DATABASE_CONNECT_TIMEOUT,DATABASE_CONNECT_ATTEMPTS,DATABASE_STATEMENT_TIMEOUT,BACKUP_SCHEDULE,BACKUP_DIR,BACKUP_KEEP,ISSUER,IDP_URL,RS_URL,SPA_URL,KEY_ENCRYPTION_KEYS,KEY_ENCRYPTION_KEYS_FILE,MTLS_URL,DPOP_NONCE,ACCESS_TOKEN_LIFETIME,REFRESH_TOKEN_LIFETIME,REFRESH_GRACE,GRANT_LIFETIME,CODE_LIFETIME,SESSION_LIFETIME,KEY_ROTATION_INTERVAL,CLEANUP_INTERVAL,SMTP_URL,SMTP_URL_FILE,MAIL_FROM,SIGN_UP,AUTHZ_INTERNAL_URL,IDP_INTERNAL_URL,SPA_INTERNAL_URL,TOKEN_CACHE_SIZE,TOKEN_CACHE_LIFETIME,KEY_CACHE_LIFETIME,STATUS_SERVICES,STATUS_INTERVAL,SPA_CLIENT_ID,CONSOLE_FOLDER,LOG_STREAM,LOG_TOKENS services/identity/spa/main.ts \"$@\"","spa-rp"]
