#!/usr/bin/env bash
# Sends every kind of message to a mock of Meta's own description of the Graph API (Prism), which refuses whatever the
# description does not allow.
#   tests/whatsapp.sh
# The description is read from ../shared, beside the repository. MCP_CLIENTS names a folder that keeps what was installed for
# the next run, as for tests/mcp.sh. Needs npm; its package of Node 22 is used.
#
# Meta documents the field biz_opaque_callback_data, and the description lacks it. So two mocks are started: one of the
# description as it is, which gets every request without that field, and one of a copy that has the field, which gets them whole.
set -euo pipefail
cd "$(dirname "$0")/.."
description=../shared/fixtures/whatsapp/graph_messages_openapi.json
if ! [ -f "$description" ]; then
  echo "$description is missing (Meta's description of the messages of the Graph API)" >&2
  exit 1
fi
description=$(realpath "$description")
work=$(mktemp -d)
mocks=()
finish() {
  for mock in "${mocks[@]}"; do kill "$mock" 2>/dev/null || true; wait "$mock" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

clients=${MCP_CLIENTS:-$work/clients}
mkdir -p "$clients"
if ! command -v npm >/dev/null; then
  apt-get update -qq && apt-get install -y -qq npm
fi
if ! [ -x "$clients/node_modules/.bin/prism" ]; then
  npm install --prefix "$clients" --silent --no-fund --no-audit node@22 @stoplight/prism-cli@5
fi
export PATH="$clients/node_modules/.bin:$PATH"

python3 - "$description" "$work/amended.json" <<'PY'
import json, sys
description = json.load(open(sys.argv[1]))
base = description["components"]["schemas"]["BaseMessageProperties"]["properties"]
assert "biz_opaque_callback_data" not in base, "the description has the field by now: one mock is enough"
base["biz_opaque_callback_data"] = {"type": "string", "maxLength": 512}
json.dump(description, open(sys.argv[2], "w"))
PY

mock() { # DESCRIPTION: starts a mock and leaves its address in $url
  local port
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  prism mock --errors --port "$port" "$1" >"$work/$port.txt" 2>&1 &
  mocks+=($!)
  url=http://127.0.0.1:$port
  for _ in $(seq 240); do
    grep -q 'listening on' "$work/$port.txt" && return
    sleep 0.25
  done
  cat "$work/$port.txt"
  return 1
}

mock "$description"
plain=$url
mock "$work/amended.json"
GRAPH_MOCK=$plain GRAPH_MOCK_AMENDED=$url tests/ignored.sh whatsapp::metas_description_allows_every_kind_of_message
