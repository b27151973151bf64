#!/usr/bin/env bash
# Fills the disk of the store under a running bot: readiness turns red and says why, a webhook is refused so that Meta sends it
# again, and both are right again once there is place. The disk is one of 48 MiB in memory, which only this script sees.
#   tests/full_disk.sh [BINARY]     default: target/debug/ecomres
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(realpath "${1:-target/debug/ecomres}")
if [ "${2:-}" != inside ]; then
  if [ "$(id -u)" = 0 ]; then exec unshare -m --propagation private bash "$0" "$bin" inside; fi
  exec unshare -rm --propagation private bash "$0" "$bin" inside
fi
work=$(mktemp -d)
server=
finish() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  cd /
  umount "$work/disk" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
mkdir "$work/disk"
mount -t tmpfs -o size=48m tmpfs "$work/disk"
cd "$work"
"$bin" sample orders --out orders.csv --quiet >/dev/null
"$bin" import orders.csv --store disk/shop.db --quiet >/dev/null
VERIFY_TOKEN=v APP_SECRET=secret ACCESS_TOKEN=t PHONE_ID=42 ECOMRES_WHATSAPP__GRAPH_URL=http://127.0.0.1:9 \
  "$bin" bot --port 0 --store disk/shop.db 2>server.txt &
server=$!
for _ in $(seq 300); do
  url=$(sed -n 's|^bot listening at \(.*\)/webhook$|\1|p' server.txt)
  [ -n "$url" ] && break
  sleep 0.1
done
[ -n "$url" ] || { cat server.txt; exit 1; } >&2
expect() { # STATUS WHAT CURL-ARGUMENTS…
  local wanted=$1 what=$2 got=; shift 2
  # What was found is told for a second.
  for _ in $(seq 30); do
    got=$(curl -s -o answer.txt -w '%{http_code}' --max-time 20 "$@")
    if [ "$got" = "$wanted" ]; then echo "$what: $got $(head -c 200 answer.txt)"; return; fi
    sleep 0.2
  done
  echo "$what: $got, expected $wanted: $(cat answer.txt)" >&2
  exit 1
}
signed() { # NUMBER TEXT: sets $request, a message of a customer
  local body="{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[{\"field\":\"messages\",\"value\":{\"messaging_product\":\"whatsapp\",\"metadata\":{\"phone_number_id\":\"42\"},\"contacts\":[{\"wa_id\":\"919876500001\"}],\"messages\":[{\"from\":\"919876500001\",\"id\":\"wamid.disk.$1\",\"timestamp\":\"1764400000\",\"type\":\"text\",\"text\":{\"body\":\"hello $2\"}}]}}]}]}"
  request=("$url/webhook" -X POST -H "X-Hub-Signature-256: sha256=$(printf %s "$body" | openssl dgst -sha256 -hmac secret | sed 's/.* //')" -d "$body")
}
expect 200 "with place left" "$url/readyz"
signed 1 ""; expect 200 "a webhook" "${request[@]}"
head -c 100m /dev/zero >disk/everything 2>/dev/null || true
expect 503 "on a full disk" "$url/readyz"
grep -q '^disk: ' answer.txt || { echo "it does not say why: $(cat answer.txt)" >&2; exit 1; }
expect 200 "the process lives" "$url/healthz"
# What the store has place for within its own files it still takes, and keeps.
long=$(printf 'x%.0s' $(seq 4000))
taken=0
for number in $(seq 2 3000); do
  signed "$number" "$long"
  got=$(curl -s -o answer.txt -w '%{http_code}' --max-time 20 "${request[@]}")
  [ "$got" = 200 ] || break
  taken=$((taken + 1))
done
[ "$got" = 503 ] || { echo "a webhook on a full disk: $got" >&2; exit 1; }
echo "a webhook on a full disk: 503, after $taken that were kept"
rm disk/everything
expect 200 "with place again" "$url/readyz"
expect 200 "the same webhook" "${request[@]}"
"$bin" report audit --verify --store disk/shop.db
