#!/usr/bin/env bash
# Prints tool calls a second over standard input and output (one after another) and over HTTP (32 connections), beside the
# same tool served by the official Python SDK, in one run. Ours also puts every call on record, on the disk; beside it
# stands the same with the record in memory, which is what the protocol alone costs.
#   tests/bench/mcp.sh [BINARY] [PYTHON]    default: target/debug/ecomres; PYTHON has PyPI's mcp, else it is installed
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$(realpath "${1:-target/debug/ecomres}")
here=$PWD/tests/bench
work=$(mktemp -d)
started=()
finish() {
  for id in "${started[@]}"; do kill "$id" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT
python=${2:-}
if [ -z "$python" ]; then
  python3 -m venv "$work/venv"
  python=$work/venv/bin/python
  "$python" -m pip install --quiet --disable-pip-version-check 'mcp==2.3.0'
fi
rustc --edition 2024 -O -o "$work/driver" "$here/mcp_driver.rs"
cd "$work"
"$bin" sample orders --out orders.csv --quiet >/dev/null
"$bin" import orders.csv --store shop.db --quiet >/dev/null
memory=/dev/shm/ecomres-bench-$$.db
trap 'rm -f "$memory"*; finish' EXIT
cp shop.db "$memory"

# Reports here why the server cannot start.
"$bin" mcp --quiet --store shop.db </dev/null >/dev/null
echo "stdio, one call after another (target: 2000 calls/s)"
printf 'ecomres:               %s calls/s\n' "$(./driver stdio 10000 "$bin" mcp --quiet --store shop.db)"
printf 'ecomres, store in RAM: %s calls/s\n' "$(./driver stdio 10000 "$bin" mcp --quiet --store "$memory")"
printf 'python sdk:            %s calls/s\n' "$(./driver stdio 2000 "$python" "$here/mcp_peer.py" shop.db)"

serve() { # STORE: the address of a server of ours
  ECOMRES_MCP__REQUESTS_PER_SECOND=1000000 "$bin" mcp --http 127.0.0.1:0 --i-am-alone --store "$1" 2>"server.txt" &
  started+=($!)
  for _ in $(seq 100); do
    address=$(grep -o '127.0.0.1:[0-9]*' server.txt || true)
    [ -n "$address" ] && return
    sleep 0.1
  done
  echo "the server did not start:" >&2
  cat server.txt >&2
  return 1
}
echo "HTTP, 32 connections (target: 3000 calls/s)"
serve shop.db
printf 'ecomres:               %s calls/s\n' "$(./driver http 30000 32 "$address")"
printf 'ecomres, resident:     %s KiB after 30000 calls' "$(awk '/VmRSS/{print $2}' "/proc/${started[-1]}/status")"
./driver http 30000 32 "$address" >/dev/null
printf ', %s KiB after 60000\n' "$(awk '/VmRSS/{print $2}' "/proc/${started[-1]}/status")"
kill "${started[-1]}"
serve "$memory"
printf 'ecomres, store in RAM: %s calls/s\n' "$(./driver http 30000 32 "$address")"
kill "${started[-1]}"
port=$(( 20000 + $$ % 20000 ))
"$python" "$here/mcp_peer.py" shop.db "$port" & started+=($!)
for _ in $(seq 100); do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
  sleep 0.1
done # The driver below fails where nothing listens.
printf 'python sdk:            %s calls/s\n' "$(./driver http 3000 32 "127.0.0.1:$port")"
