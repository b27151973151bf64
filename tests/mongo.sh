#!/usr/bin/env bash
# Runs the tests of the MongoDB store, and the chaos test in its whole size on both backends, against a server that speaks
# MongoDB's wire protocol over WiredTiger (SecantusDB, a separate program that is never linked). It is not MongoDB itself.
#
# Usage: tests/mongo.sh [ARGUMENTS OF cargo test]
#
#   TEST_MONGO_URI   a server that runs already: then none is started
#   SECANTUS_VENV    the virtual environment with the server [default: a folder in the temporary one, made where needed]
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Fails where fewer tests ran than there are: `cargo test` alone also succeeds where no test fits the filter.
at_least() { # COUNT COMMAND…
  local least=$1
  shift
  "$@" | tee "$log"
  local count
  count=$(sed -n 's/^test result: ok\. \([0-9]*\) passed;.*/\1/p' "$log")
  if [ "${count:-0}" -lt "$least" ]; then
    echo "only ${count:-0} of at least $least tests ran: $*" >&2
    exit 1
  fi
}

run() {
  # One target folder and one profile with everything else: a second one would compile all dependencies twice.
  at_least 40 cargo test --locked --lib "$@" store::mongo -- --ignored
  # One after the other: both start many processes.
  at_least 1 cargo test --locked --test it "$@" events::killed::killed_processes_lose_no_event_on_a_server -- --ignored --nocapture
  at_least 2 cargo test --locked --test it "$@" chaos::whole_size -- --ignored --skip bot_chaos --test-threads 1 --nocapture
}

if [ -n "${TEST_MONGO_URI:-}" ]; then
  run "$@"
  exit
fi

venv=${SECANTUS_VENV:-${TMPDIR:-/tmp}/ecomres-secantus}
server=$venv/bin/secantusd-rs
if [ ! -x "$server" ]; then
  python3 -m venv "$venv"
  # Without dependencies: only the binary in the wheel is used. Later wheels lack it.
  "$venv/bin/pip" install --quiet --no-deps SecantusDB==0.6.0b17
fi

# Compiled first: the server is not kept waiting.
cargo test --locked --no-run --lib --test it "$@"

folder=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# --sync-on-commit: without it the server loses acknowledged writes when it is killed.
"$server" --host 127.0.0.1 --port "$port" --storage-path "$folder/data" --cache-size 512M --sync-on-commit \
  --log-level WARNING >"$folder/log" 2>&1 &
pid=$!
stop() {
  kill "$pid" 2>/dev/null || true
  # Its folder must not be touched before it has ended.
  wait "$pid" 2>/dev/null || true
  rm -rf "$folder" "$log"
}
trap stop EXIT
listens=
for _ in $(seq 150); do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then listens=yes; break; fi
  if ! kill -0 "$pid" 2>/dev/null; then
    echo "the server ended at once:" >&2
    cat "$folder/log" >&2
    exit 1
  fi
  sleep 0.2
done
[ -n "$listens" ] || { echo "the server does not listen:"; cat "$folder/log"; exit 1; } >&2
export TEST_MONGO_URI="mongodb://127.0.0.1:$port/?directConnection=true"
export TEST_MONGO_SERVER="$server"
run "$@"
