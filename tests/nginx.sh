#!/usr/bin/env bash
# Puts a real nginx, Debian's, in front of `ecomres serve`: once as a page of a tutorial would, once as
# .operations/nginx.conf says. What is missing is installed. All of it listens at 127.0.0.1 only.
#   tests/nginx.sh [BINARY]     default: target/debug/ecomres
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(realpath "${1:-target/debug/ecomres}")
config=$PWD/.operations/nginx.conf
work=$(mktemp -d)
started=()
finish() {
  for id in "${started[@]}"; do kill "$id" 2>/dev/null || true; done
  for id in "${started[@]}"; do wait "$id" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

for needed in nginx curl openssl; do
  if ! command -v $needed >/dev/null; then
    apt-get update -qq
    # The package starts a server of its own, which nobody wants here.
    printf '#!/bin/sh\nexit 101\n' >"$work/policy" && chmod +x "$work/policy"
    POLICYRCD=$work/policy apt-get install -y -qq --no-install-recommends $needed
  fi
done
chmod 755 "$work"
cd "$work"
"$bin" sample orders --out orders.csv --quiet >/dev/null
"$bin" import orders.csv --store shop.db --quiet >/dev/null

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
fail() { echo "$*" >&2; tail -n 20 ./*.txt >&2; exit 1; }
# Starts ecomres with arguments; sets $bot, and $desk where there is a dashboard.
start_ecomres() {
  VERIFY_TOKEN=v APP_SECRET=secret ACCESS_TOKEN=t PHONE_ID=42 ECOMRES_WHATSAPP__GRAPH_URL=http://127.0.0.1:9 \
    "$bin" serve --port 0 --dashboard-port 0 --store shop.db "$@" 2>server.txt &
  server=$!
  started+=("$server")
  for _ in $(seq 300); do
    bot=$(sed -n 's|^bot listening at http://\(.*\)/webhook$|\1|p' server.txt)
    [ -n "$bot" ] && break
    sleep 0.1
  done
  [ -n "$bot" ] || fail "ecomres did not start"
  desk=$(sed -n 's|^dashboard at http://\(.*\)/$|\1|p' server.txt)
}
# Starts nginx with the servers in servers.conf; sets $proxy.
start_nginx() {
  cat >nginx.conf <<CONF
daemon off;
master_process off;
pid $work/nginx.pid;
error_log $work/nginx.txt;
events {}
http { access_log off; client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/f;
  uwsgi_temp_path $work/u; scgi_temp_path $work/s; include $work/servers.conf; }
CONF
  nginx -c "$work/nginx.conf" -p "$work" -e "$work/nginx.txt" 2>>nginx.txt &
  nginx=$!
  started+=("$nginx")
  for _ in $(seq 100); do curl -s -o /dev/null "http://127.0.0.1:$proxy/" && return; sleep 0.1; done
  fail "nginx did not start"
}
stop() { kill "$1"; wait "$1" 2>/dev/null || true; }
status() { curl -s -o answer.html -w '%{http_code}' --max-time 20 "$@"; }
expect() { # STATUS WHAT CURL-ARGUMENTS…
  local wanted=$1 what=$2 got; shift 2
  got=$(status "$@")
  [ "$got" = "$wanted" ] || fail "$what: $got, expected $wanted: $(head -c 300 answer.html)"
  echo "$what: $got"
}
hello='{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"stranger","version":"1"}}}'
mcp=(-X POST -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' -d "$hello")
# One customer's message, signed as Meta does.
webhook='{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"phone_number_id":"42"},"contacts":[{"wa_id":"919876500001"}],"messages":[{"from":"919876500001","id":"wamid.nginx","timestamp":"1764400000","type":"text","text":{"body":"hello"}}]}}]}]}'
signature=$(printf %s "$webhook" | openssl dgst -sha256 -hmac secret | sed 's/.* //')
signed=(-X POST -H 'Content-Type: application/json' -H "X-Hub-Signature-256: sha256=$signature" -d "$webhook")

echo "-- a proxy that forwards everything and rewrites Host"
naive() { # PORT
  cat >servers.conf <<CONF
server { listen 127.0.0.1:$proxy; location / { proxy_pass http://$1; } }
CONF
}
for arguments in "" "--i-am-alone"; do
  # shellcheck disable=SC2086
  start_ecomres $arguments
  proxy=$(free_port)
  naive "$bot"
  start_nginx
  expect 200 "serve $arguments: a signed webhook" "http://127.0.0.1:$proxy/webhook" "${signed[@]}"
  got=$(status "http://127.0.0.1:$proxy/mcp" "${mcp[@]}")
  case $got in 401 | 403 | 404) echo "serve $arguments: a stranger at /mcp: $got" ;; *) fail "a stranger reached /mcp: $got" ;; esac
  got=$(status "http://127.0.0.1:$proxy/metrics")
  case $got in 401 | 403 | 404) echo "serve $arguments: a stranger at /metrics: $got" ;; *) fail "a stranger reached /metrics: $got" ;; esac
  stop "$nginx"
  if [ -n "$desk" ]; then
    naive "$desk"
    start_nginx
    expect 403 "serve $arguments: a stranger at the dashboard" "http://127.0.0.1:$proxy/conversations"
    stop "$nginx"
  elif [ -n "$arguments" ]; then
    fail "serve $arguments has no dashboard"
  fi
  stop "$server"
done

echo "-- the same before ecomres dashboard and ecomres mcp --http, which were given no lock"
"$bin" dashboard --port 0 --store shop.db 2>desk.txt & server=$!; started+=("$server")
"$bin" mcp --http 127.0.0.1:0 --store shop.db 2>tools.txt & tools=$!; started+=("$tools")
for _ in $(seq 300); do
  desk=$(sed -n 's|^dashboard at http://\(.*\)/$|\1|p' desk.txt)
  address=$(sed -n 's|.*initialising at http://\(.*\)/mcp.*|\1|p' tools.txt)
  [ -n "$desk" ] && [ -n "$address" ] && break
  sleep 0.1
done
proxy=$(free_port); naive "$desk"; start_nginx
expect 303 "a stranger at the dashboard is sent to log in" "http://127.0.0.1:$proxy/conversations"
stop "$nginx"
naive "$address"; start_nginx
expect 401 "a stranger at /mcp" "http://127.0.0.1:$proxy/mcp" "${mcp[@]}"
stop "$nginx"; stop "$server"; stop "$tools"

echo "-- as .operations/nginx.conf says"
hash=$(printf 'correct horse battery' | "$bin" dashboard --hash-password)
cat >ecomres.toml <<CONF
[server]
trusted_proxies = ["127.0.0.1", "::1"]
[dashboard]
password_hash = '$hash'
allowed_hosts = ["desk.example.com"]
[mcp]
token = "a token of the team"
CONF
start_ecomres
proxy=$(free_port)
# The ports are others here, and clients are told apart by an address that only this test may choose.
sed -e "s|listen 443 ssl;|listen 127.0.0.1:$proxy; set_real_ip_from 127.0.0.1; real_ip_header X-Test-Client;|" \
  -e "s|127.0.0.1:8000|$bot|" -e "s|127.0.0.1:8501|$desk|" "$config" >servers.conf
start_nginx
at() { # HOST CLIENT
  host=(-H "Host: $1" -H "X-Test-Client: $2")
}
url=http://127.0.0.1:$proxy
at bot.example.com 203.0.113.9
expect 200 "a signed webhook" "$url/webhook" "${host[@]}" "${signed[@]}"
expect 401 "an unsigned one" "$url/webhook" "${host[@]}" -X POST -d "$webhook"
for path in /mcp /metrics /readyz / /login; do
  expect 404 "a stranger at $path" "$url$path" "${host[@]}"
done
at desk.example.com 203.0.113.9
expect 303 "the dashboard wants a login" "$url/" "${host[@]}"
for attempt in 1 2 3 4 5; do
  expect 401 "wrong password $attempt" "$url/login" "${host[@]}" -H 'X-Forwarded-For: 198.51.100.77' -d word=guess
done
expect 429 "the right one after five wrong ones" "$url/login" "${host[@]}" -d 'word=correct horse battery'
at desk.example.com 198.51.100.7
expect 303 "the right one from another client" "$url/login" "${host[@]}" -c jar.txt -d 'word=correct horse battery'
expect 200 "the pages of whoever has logged in" "$url/conversations" "${host[@]}" -b jar.txt
at evil.example.com 198.51.100.7
expect 404 "another host name" "$url/conversations" "${host[@]}" -b jar.txt
echo "all as it should be"
