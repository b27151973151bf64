#!/usr/bin/env bash
# Prints what 200 open dashboards cost while nothing changes, and how long the data of each page takes.
#   tests/bench/dashboard.sh [MESSAGES]     default: 200000
#   WATCH_MONGO_URI   a server to measure on, as mongodb://HOST/?OPTIONS [default: a SQLite file]
#   WATCH_STORE       a store that a run before has filled
set -euo pipefail
cd "$(dirname "$0")/../.."
WATCH_MESSAGES=${1:-200000} tests/ignored.sh watching::open_pages_cost_little_and_load_fast
