#!/usr/bin/env bash
# Checks the requests that the tests of the language model sent against the types of Groq's own client library and a JSON
# schema of them. Run after `cargo test`, which saves them in the target folder. What it needs is installed outside of the
# repository; LLM_CHECK names a folder that is used again by the next run.
set -euo pipefail
cd "$(dirname "$0")/.."
schema=../shared/fixtures/groq/chat_request.schema.json
requests=${CARGO_TARGET_DIR:-target}/tmp/llm-requests
if ! [ -f "$schema" ]; then
  echo "$schema is missing (the schema of the service's requests)" >&2
  exit 1
fi
count=$(find "$requests" -name '*.json' 2>/dev/null | wc -l)
if [ "$count" -lt 20 ]; then
  echo "$requests holds $count requests: run cargo test first"
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tools=${LLM_CHECK:-$work/python}
if ! [ -x "$tools/bin/python" ]; then
  python3 -m venv "$tools" || { apt-get update -qq && apt-get install -y -qq python3-venv && python3 -m venv "$tools"; }
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check groq jsonschema pydantic
fi
# Each request against the library's types as they are today, and against the stored schema.
find "$requests" -name '*.json' -print0 |
  xargs -0 "$tools/bin/python" ../shared/tools/groq_validate.py >"$work/outcome.txt" || { grep -v ' OK$' "$work/outcome.txt"; exit 1; }
"$tools/bin/python" - "$schema" "$requests" <<'PYTHON'
import json, pathlib, sys
import jsonschema
check = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))
wrong = checked = 0
for path in pathlib.Path(sys.argv[2]).glob("*.json"):
    checked += 1
    for error in check.iter_errors(json.loads(path.read_text())):
        wrong += 1
        print(f"{path.name}: {error.json_path}: {error.message[:200]}")
sys.exit(wrong > 0 or checked < 20)
PYTHON
echo "$count requests are valid"
