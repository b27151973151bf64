#!/usr/bin/env bash
# Builds the fuzz targets with stable Rust and runs each for a while, two at a time; a crash fails and leaves its input in
# target/fuzz/artifacts.
#   tests/fuzz/run.sh [SECONDS]     default: 60
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
targets=(webhook orders_csv mcp_frames weights)
target_dir=$(realpath -m "${CARGO_TARGET_DIR:-target}")
here=$PWD/tests/fuzz

# The same versions as the program, and the same profile: so its dependencies are compiled once for both.
cp Cargo.lock "$here/Cargo.lock"
cargo update --quiet --workspace --manifest-path "$here/Cargo.toml"
RUSTC_WRAPPER=$here/instrument.sh CARGO_TARGET_DIR=$target_dir \
  cargo build --locked --config Cargo.toml --manifest-path "$here/Cargo.toml"

work=$target_dir/fuzz
mkdir -p "$work/artifacts"
fuzz() { # TARGET
  local corpus=$work/corpus/$1
  mkdir -p "$corpus"
  "$target_dir/debug/fuzz_$1" "$corpus" "$here/seeds/$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=3072 \
    -artifact_prefix="$work/artifacts/$1-" -print_final_stats=1 >"$work/$1.log" 2>&1
}
failed=
running=()
finish() { # Waits for all that run.
  local entry
  for entry in "${running[@]}"; do
    local name=${entry#*:}
    if wait "${entry%%:*}"; then
      echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$name.log") runs," \
        "$(grep -o 'cov: [0-9]*' "$work/$name.log" | tail -n 1 || true)"
    else
      failed=yes
      tail -n 40 "$work/$name.log"
      echo "$name failed"
    fi
  done
  running=()
}
for name in "${targets[@]}"; do
  fuzz "$name" &
  running+=("$!:$name")
  [ ${#running[@]} -lt 2 ] || finish
done
finish
[ -z "$failed" ]
