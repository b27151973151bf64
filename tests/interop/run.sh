#!/usr/bin/env bash
# Proves that model folders go both ways between ecomres and PyPI's transformers: the same logits to 1e-4 in 32 bits.
#   tests/interop/run.sh [BINARY]     default: target/debug/ecomres
# Makes a throw-away virtual environment and removes it: PyPI's torch for Linux brings its GPU libraries along, 5.6 GB
# unpacked, and does not start without them. INTEROP_PYTHON names a Python that has torch, transformers, tokenizers and
# safetensors already; then nothing is installed. Needs Python 3.10 or later.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$(realpath "${1:-target/debug/ecomres}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python=${INTEROP_PYTHON:-}
if [ -z "$python" ]; then
  python3 -m venv "$work/venv"
  python=$work/venv/bin/python
  "$python" -m pip install --quiet --disable-pip-version-check torch transformers tokenizers safetensors numpy
fi

export CUDA_VISIBLE_DEVICES="" HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error
"$python" tests/interop/transformers_check.py "$bin" fixtures/tiny-model "$work"
