#!/usr/bin/env bash
# Signed webhooks a second, each acknowledged: the bot, which answers when the message is on the disk, beside the original's
# stack (FastAPI and pywa on uvicorn), which keeps nothing. Both on this machine, one after the other, in one run.
#   tests/bench/ingest.sh [BINARY] [SECONDS] [FOLDER]
#     default: target/release/ecomres, 10 seconds, a temporary folder (put it on the disk that is meant)
# MCP_CLIENTS names a folder that keeps what was installed for the next run.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$(realpath "${1:-target/release/ecomres}")
seconds=${2:-10}
here=$PWD/tests/bench
work=$(mktemp -d -p "${3:-${TMPDIR:-/tmp}}")
server=
finish() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT
clients=${MCP_CLIENTS:-$work/clients}
mkdir -p "$clients"
if ! [ -x "$clients/ingest/bin/python" ]; then
  python3 -m venv "$clients/ingest"
  "$clients/ingest/bin/python" -m pip install --quiet --disable-pip-version-check 'pywa[fastapi]' uvicorn uvloop httptools
fi
python=$clients/ingest/bin/python

cd "$work"
"$bin" sample orders --out orders.csv --quiet >/dev/null
"$bin" import orders.csv --store shop.db --quiet >/dev/null
export VERIFY_TOKEN=v APP_SECRET=secret ACCESS_TOKEN=t PHONE_ID=42
# Nothing is sent: only the acceptance of messages is measured. Turns wait for the end of the run.
ECOMRES_WHATSAPP__GRAPH_URL=http://127.0.0.1:9 ECOMRES_WHATSAPP__BURST_MS=60000 ECOMRES_WHATSAPP__BURST_LONGEST_MS=600000 \
  "$bin" bot --port 0 --store shop.db 2>server.txt &
server=$!
for _ in $(seq 200); do
  url=$(grep -o 'http://[^ ]*' server.txt || true)
  [ -n "$url" ] && break
  sleep 0.1
done
[ -n "$url" ] || { echo "the bot did not start:"; cat server.txt; exit 1; } >&2
"$python" "$here/ingest.py" ecomres "$url" "$server" "$seconds"
# Doctor also fails because nothing can be sent here.
"$bin" doctor --store shop.db --json >doctor.json 2>/dev/null || true
echo "in the store: $(grep -o "[0-9]* conversations waiting" doctor.json)"
kill -9 "$server"; wait "$server" 2>/dev/null || true

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$python" "$here/ingest_peer.py" "$port" >peer.txt 2>&1 &
server=$!
for _ in $(seq 200); do
  "$python" -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null && break
  sleep 0.1
done
"$python" "$here/ingest.py" "FastAPI + pywa" "http://127.0.0.1:$port/webhook" "$server" "$seconds"
