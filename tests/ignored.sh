#!/usr/bin/env bash
# Runs ignored tests by their whole names, and fails unless each of them ran: `cargo test` alone also succeeds where no test
# has such a name.
#   tests/ignored.sh NAME…
set -euo pipefail
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo test --locked --test it -- --ignored --exact --nocapture "$@" | tee "$log"
if ! grep -q "^test result: ok\. $# passed;" "$log"; then
  echo "not all of these ran: $*" >&2
  exit 1
fi
