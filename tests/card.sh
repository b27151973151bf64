#!/usr/bin/env bash
# Training and answering as on a graphics card, compared with the processor, on a driver in software: SwiftShader, a whole Vulkan
# that Debian's Chromium brings. It fails where no device is found. The feature `cuda` is type-checked.
#   tests/card.sh           what is missing is installed from Debian: Chromium, the loader of Vulkan
#   tests/card.sh --own     on this machine's own driver and card
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARD_TARGET:-target/card}
log=$(mktemp)
trap 'rm -rf "$log" "${runtime:-}"' EXIT

if [ "${1:-}" != --own ]; then
  icd=/usr/lib/chromium/vk_swiftshader_icd.json
  if ! [ -f "$icd" ] || ! ldconfig -p | grep -q libvulkan.so.1; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends chromium libvulkan1
  fi
  export VK_ICD_FILENAMES=$icd VK_DRIVER_FILES=$icd
fi
if [ -z "${XDG_RUNTIME_DIR:-}" ]; then
  runtime=$(mktemp -d)
  export XDG_RUNTIME_DIR=$runtime
fi

cargo test --locked -p ecomres-nlu --features wgpu --lib --target-dir "$target" on_a_card -- \
  --ignored --test-threads=1 --nocapture 2>&1 | tee "$log"
if ! grep -q '^test result: ok\. [1-9][0-9]* passed; 0 failed;' "$log"; then
  echo "no test ran on a card" >&2
  exit 1
fi

# Without LLVM, which a build would fetch, types can be checked.
DOCS_RS=1 cargo check --locked -p ecomres-nlu --features cuda --target-dir "$target"
