#!/bin/sh
# Asks a running events service what README.md promises of its health and test
# endpoints. Needs curl only. Exits with 1 if an answer is wrong.
#
#   ./test-health-checks.sh [BASE_URL]     default: http://localhost:8000

base_url=${1:-http://localhost:8000}
base_url=${base_url%/}
failures=0
body_file=$(mktemp) || exit 1
head_file=$(mktemp) || exit 1
trap 'rm -f "$body_file" "$head_file"' EXIT

# ask METHOD PATH [curl options]: sets $status, $body and $head.
ask() {
  method=$1 path=$2
  shift 2
  status=$(curl --silent --show-error --max-time 10 --request "$method" \
    --output "$body_file" --dump-header "$head_file" \
    --write-out '%{http_code}' "$@" "$base_url$path") || status=000
  body=$(cat "$body_file")
  head=$(tr -d '\r' <"$head_file")
}

# check WHAT COMMAND…: prints whether the command succeeds.
check() {
  what=$1
  shift
  if "$@"; then
    printf 'ok    %s\n' "$what"
  else
    printf 'WRONG %s (status %s, body: %s)\n' "$what" "$status" "$body"
    failures=$((failures + 1))
  fi
}

is_status() { [ "$status" = "$1" ]; }
is_body() { [ "$body" = "$1" ]; }
has_body() { printf '%s' "$body" | grep -Eq "$1"; }
has_header() { printf '%s\n' "$head" | grep -Eiq "$1"; }

time='"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"'

echo "Asking $base_url"

ask GET /health/live
check 'GET /health/live is 200' is_status 200
check 'GET /health/live says OK' is_body OK

ask GET /health/ready
check 'GET /health/ready is 200' is_status 200
check 'GET /health/ready says ready' has_body '"status":"ready"'
check 'GET /health/ready has a timestamp' has_body "\"timestamp\":$time"

ask GET /health
check 'GET /health is 200' is_status 200
check 'GET /health has a status' has_body '"status":"(healthy|degraded)"'
check 'GET /health names the service' has_body '"service":\{"name":"[^"]+","version":"[^"]+","uptime":[0-9.]+\}'
check 'GET /health tells of Redis' has_body '"redis":\{"status":"[a-z]+","latency":[0-9.]+,"lastCheck":'
check 'GET /health tells of the stream' has_body '"eventStream":\{"status":"[a-z]+","consumerActive":true,"lastMessage":'

ask GET /health-check
check 'GET /health-check is 200' is_status 200
check 'GET /health-check says ok' is_body ok

ask GET /health --header 'X-Correlation-ID: test-123'
check 'X-Correlation-ID comes back' has_header '^x-correlation-id: test-123$'

ask GET /health
check 'X-Correlation-ID is made where there is none' has_header '^x-correlation-id: req_'

# Another caller may have used up this second.
sleep 1.1
ask POST /trigger-test-event
check 'POST /trigger-test-event is 200' is_status 200
check 'POST /trigger-test-event says success' has_body '"success":true'
check 'POST /trigger-test-event tells the entry' has_body '"streamId":"[0-9]+-[0-9]+"'

ask POST /trigger-test-event
check 'A second one within a second is 429' is_status 429
check 'The 429 has Retry-After' has_header '^retry-after: [0-9]+$'
check 'The 429 has a correlation ID' has_header '^x-correlation-id: '

ask GET /healthz
check 'GET /healthz is 200' is_status 200

ask GET /ready
check 'GET /ready is 200' is_status 200

ask GET /metrics
check 'GET /metrics is 200' is_status 200
check 'GET /metrics is in Prometheus format' has_body '^# TYPE http_requests_total counter'

if [ "$failures" -gt 0 ]; then
  echo "$failures answers are wrong"
  exit 1
fi
echo "All answers are right"
