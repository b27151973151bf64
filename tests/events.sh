#!/usr/bin/env bash
# Checks the events that the tests delivered with other programs: their signatures with the Python library of Standard
# Webhooks, their payloads with a JSON Schema validator. Run after `cargo test`, which saves them in the target folder. What it
# needs is installed outside of the repository; EVENTS_CHECK names a folder that is used again by the next run.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
deliveries=$target/tmp/events
program=$target/debug/ecomres
# Those of this build.
count=$(find "$deliveries" -name '*.json' -newer "$program" 2>/dev/null | wc -l)
if [ "$count" -lt 20 ]; then
  echo "$deliveries holds $count deliveries: run cargo test first" >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tools=${EVENTS_CHECK:-$work/python}
if ! [ -x "$tools/bin/python" ]; then
  python3 -m venv "$tools" || { apt-get update -qq && apt-get install -y -qq python3-venv && python3 -m venv "$tools"; }
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'jsonschema[format]' standardwebhooks
fi
"$program" events schema --json >"$work/schemas.json"
find "$deliveries" -name '*.json' -newer "$program" >"$work/deliveries"
"$tools/bin/python" - "$work/schemas.json" "$work/deliveries" <<'PYTHON'
import datetime, json, pathlib, sys
import jsonschema
from standardwebhooks import Webhook
import standardwebhooks.webhooks as library

schemas = {schema["title"]: schema for schema in json.load(open(sys.argv[1]))}
checks = {name: jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()) for name, schema in schemas.items()}
for schema in schemas.values():
    jsonschema.Draft202012Validator.check_schema(schema)
# They may be older than the five minutes that a receiver allows.
Webhook._Webhook__verify_timestamp = lambda self, header: datetime.datetime.fromtimestamp(float(header), tz=datetime.timezone.utc)
seen, wrong = set(), 0
for path in map(pathlib.Path, open(sys.argv[2]).read().splitlines()):
    delivery = json.loads(path.read_text())
    payload = Webhook(delivery["secret"]).verify(delivery["body"], delivery["headers"])
    payload = payload if isinstance(payload, dict) else json.loads(delivery["body"])
    seen.add(payload["type"])
    for error in checks[payload["type"]].iter_errors(payload):
        wrong += 1
        print(f"{path.name}: {error.json_path}: {error.message[:200]}")
    try:
        Webhook(delivery["secret"]).verify(delivery["body"] + " ", delivery["headers"])
        wrong += 1
        print(f"{path.name}: a changed body passes")
    except library.WebhookVerificationError:
        pass
print(f"types: {', '.join(sorted(seen))}")
sys.exit(wrong > 0 or len(seen) < 6)
PYTHON
echo "$count deliveries are signed and valid"
