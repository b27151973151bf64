#!/usr/bin/env bash
# Photos, recordings and documents of customers: how many are fetched and kept a minute, how much memory that takes, how long a webhook
# waits meanwhile, and how long a conversation with 50 pictures takes to show.
#   tests/bench/media.sh [BINARY] [FILES] [FOLDER]
#     default: target/release/ecomres, 1000 files, a temporary folder (put it on the disk that is meant)
# Held to 1,000 files a minute in less than 300 MB, and 300 ms for the page. It fails where a file is lost, or one of these is missed.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$(realpath "${1:-target/release/ecomres}")
files=${2:-1000}
here=$PWD/tests/bench
work=$(mktemp -d -p "${3:-${TMPDIR:-/tmp}}")
trap 'rm -rf "$work"' EXIT
cd "$work"
"$bin" sample orders --out orders.csv --quiet >/dev/null
"$bin" import orders.csv --store shop.db --quiet >/dev/null
python3 "$here/media.py" "$bin" "$files"
