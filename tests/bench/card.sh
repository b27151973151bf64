#!/usr/bin/env bash
# What a graphics card makes of it, in one run of under 8 minutes: logits against the processor, rows/s of training and of
# evaluation for both widths, and PyTorch beside it where it is installed.
#   tests/bench/card.sh                  builds and measures here
#   tests/bench/card.sh --build FILE     only builds: FILE runs on a machine with a card and no network
#   tests/bench/card.sh FILE             measures with such a file
# FEATURES names the way to the card: wgpu,autotune (the default), or cuda.
set -euo pipefail
cd "$(dirname "$0")/../.."
features=${FEATURES:-wgpu,autotune}

build() {
  cargo test --release --locked -p ecomres-nlu --features "$features" --lib --no-run --target-dir target/card \
    --message-format=json | grep -o '"executable":"[^"]*"' | cut -d'"' -f4 | tail -n 1
}
if [ "${1:-}" = --build ]; then
  cp "$(build)" "$2"
  strip "$2"
  exit
fi
binary=$(realpath "${1:-$(build)}")
limit=$((SECONDS + 460))
left() { echo $((limit - SECONDS > 1 ? limit - SECONDS : 1)); }

timeout "$(left)" "$binary" card_bench --ignored --nocapture --test-threads=1 | grep -E '^width|^wgpu|^cuda|^test result'
if python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
  timeout "$(left)" python3 tests/bench/card_peer.py
else
  echo "PyTorch is left out: it is not installed, or sees no card"
fi
