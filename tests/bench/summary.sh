#!/usr/bin/env bash
# Prints the measured numbers of the README, each beside its target. It fails only where a command fails.
#   tests/bench/summary.sh [BINARY]     default: target/debug/ecomres
# The numbers of the README are those of a release build: a development build optimises the model and little else, so import
# and the playbook are several times slower there.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$(realpath "${1:-target/debug/ecomres}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf 'processor: %s, %s cores\n' "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2- | xargs)" "$(nproc)"

echo "-- import"
bash tests/bench/import.sh "$bin"

echo "-- understanding (never trained on)"
for file in ../shared/data/nlu_eval_45.csv data/test.csv; do
  "$bin" eval --data "$file" --json --quiet >"$work/eval.json"
  printf '%s: ' "$file"
  grep -o '"accuracy": *[0-9.]*' "$work/eval.json" | sed -n 1,2p | paste -sd' '
done

echo "-- cold start of predict (target: under 1 s)"
"$bin" predict "where is my order" --json >/dev/null
for _ in 1 2 3; do
  start=$(date +%s%N)
  "$bin" predict "where is my order" --json >/dev/null
  echo "$((($(date +%s%N) - start) / 1000000)) ms"
done

echo "-- webhook to reply, the bot with its store and without a language model"
bash tests/bench/latency_bot.sh "$bin"

echo "-- a message through the playbook, everything included (target: median under 30 ms)"
for round in $(seq 1 25); do
  printf 'where is my order\nORD%06d\nthe packet was torn and two items are missing from it, what now\nno, leave it\nthanks\n+25h hello\nwhat are your business hours\nI paid twice for this order\n' "$((round % 19 + 1))"
done >"$work/script.txt"
ECOMRES_ESCALATION__FAILURES=1000 "$bin" simulate --script "$work/script.txt" --json --quiet |
  grep -o '"milliseconds":[0-9.]*}$' | grep -o '[0-9.]*' | sort -n |
  awk '{v[NR]=$1} END {printf "%d messages: median %.1f ms, p95 %.1f ms, longest %.1f ms\n", NR, v[int((NR+1)/2)], v[int(NR*0.95)], v[NR]}'
