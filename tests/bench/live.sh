#!/usr/bin/env bash
# Live orders a second, each on the disk before it is acknowledged, while 200 customers write to the same bot and are answered (by the
# playbook): 1,000 single posts a second, then as many as it takes, then lists of 100.
#   tests/bench/live.sh [BINARY] [SECONDS] [FOLDER]
#     default: target/release/ecomres, 10 seconds each, a temporary folder (put it on the disk that is meant)
# Held to 1,000 orders/s. It fails only where something is not acknowledged or not answered.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$(realpath "${1:-target/release/ecomres}")
seconds=${2:-10}
here=$PWD/tests/bench
work=$(mktemp -d -p "${3:-${TMPDIR:-/tmp}}")
trap 'rm -rf "$work"' EXIT
cd "$work"
"$bin" sample orders --out orders.csv --quiet >/dev/null
"$bin" import orders.csv --store shop.db --quiet >/dev/null
python3 "$here/live.py" "$bin" "$seconds"
