#!/usr/bin/env bash
# Calls the tool server with the clients of others: the official Python client, the inspector and the conformance
# suite for both generations of the protocol. Whatever they need is installed outside of the repository.
#   tests/mcp.sh [BINARY]     default: target/debug/ecomres
# MCP_CLIENTS names a folder that keeps what was installed for the next run. Needs Python 3.10 and npm; where Node is
# older than 22, npm's package of it is used.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(realpath "${1:-target/debug/ecomres}")
here=$PWD/tests/mcp
work=$(mktemp -d)
server=
finish() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT

clients=${MCP_CLIENTS:-$work/clients}
mkdir -p "$clients"
if ! command -v npm >/dev/null; then
  apt-get update -qq && apt-get install -y -qq npm
fi
if ! [ -x "$clients/python/bin/python" ]; then
  python3 -m venv "$clients/python" || { apt-get update -qq && apt-get install -y -qq python3-venv && python3 -m venv "$clients/python"; }
  "$clients/python/bin/python" -m pip install --quiet --disable-pip-version-check 'mcp==2.3.0'
fi
if ! [ -x "$clients/node_modules/.bin/conformance" ]; then
  npm install --prefix "$clients" --silent --no-fund --no-audit \
    node@22 @modelcontextprotocol/inspector@2.12 @modelcontextprotocol/conformance@0.2.0-alpha.12
fi
export PATH="$clients/node_modules/.bin:$PATH"
node --version

cd "$work"
"$bin" sample orders --out orders.csv --quiet >/dev/null
"$bin" import orders.csv --store shop.db --quiet >/dev/null
# All clients come from one address, faster than people do.
ECOMRES_MCP__REQUESTS_PER_SECOND=100000 "$bin" mcp --http 127.0.0.1:0 --i-am-alone --store shop.db 2>server.txt &
server=$!
for _ in $(seq 100); do
  url=$(grep -o 'http://[^,]*' server.txt || true)
  [ -n "$url" ] && break
  sleep 0.1
done
[ -n "$url" ] || { echo "the server did not start:"; cat server.txt; exit 1; } >&2
echo "server at $url"

echo "-- the official Python client"
"$clients/python/bin/python" "$here/client_check.py" "$bin" "$work/shop.db" "$url"

echo "-- the inspector"
inspect() { inspector --cli "${target[@]}" "$@"; }
for place in stdio http; do
  if [ $place = stdio ]; then target=("$bin" mcp --quiet --store "$work/shop.db"); else target=("$url"); fi
  inspect --strict --method tools/list >list.json 2>strict.txt || { cat strict.txt; exit 1; }
  tail -n 1 strict.txt
  call() { # TOOL FIELD ARGUMENTS…
    local tool=$1 field=$2; shift 2
    inspect --method tools/call --tool-name "$tool" --tool-arg "$@" >answer.json 2>errors.txt ||
      { cat answer.json errors.txt; exit 1; }
    grep -q "\"$field\"" answer.json || { echo "$place: $tool gave no $field"; cat answer.json; exit 1; }
    echo "inspector, $place: $tool"
  }
  call smart_triage_nlu intent "text=where is my order"
  call query_order_database "Order ID" order_id=ORD000003
  call check_refund_eligibility eligible order_id=ORD000003
  call process_refund transaction_id order_id=ORD000003 amount=599 reason=broken
  call refund_status expected_by order_id=ORD000003
  call request_human_intervention alert_id user_id=check "reason=a check"
done

echo "-- the conformance suite"
for date in 2025-11-25 2026-07-28; do
  if ! conformance server --url "$url" --requirements "$date" \
    --expected-failures "$here/expected-failures-$date.yaml" >"$date.txt" 2>&1; then
    sed -n '/=== SUMMARY/,$p' "$date.txt"
    exit 1
  fi
  echo "requirements $date: $(grep '^Total' "$date.txt"), all failures expected"
done

kill "$server"
wait "$server" || { echo "the server ended with $?"; exit 1; }
server=
"$bin" report audit --verify --store shop.db
