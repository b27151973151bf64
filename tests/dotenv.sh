#!/usr/bin/env bash
# Compares what ecomres reads from a few thousand generated `.env` files with what python-dotenv reads from them. What it
# needs is installed outside of the repository; DOTENV_CHECK names a folder that is used again by the next run.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tools=${DOTENV_CHECK:-$work/python}
if ! [ -x "$tools/bin/python" ]; then
  python3 -m venv "$tools" || { apt-get update -qq && apt-get install -y -qq python3-venv && python3 -m venv "$tools"; }
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'python-dotenv==1.2.4'
fi
"$tools/bin/python" - "$work/cases.json" <<'PYTHON'
import io, json, logging, os, random, sys
from dotenv.main import DotEnv
from dotenv.parser import parse_stream

logging.disable(logging.CRITICAL)
environment = {"HOME": "/home/shop", "B": "from outside"}
os.environ.clear()
os.environ.update(environment)
seed = random.SystemRandom().randrange(2**32)
print("seed", seed)
dice = random.Random(seed)
pieces = [
    "A", "B", "C1", "APP_SECRET", "export ", "export", "=", " = ", "= ", "'", '"', "\\", "\\\\", "\\n", "\\'", '\\"', "\\t",
    "\\x41", "\\u00e9", "#", " #", "\t#", " ", "  ", "\t", "\n", "\n\n", "\r\n", "\r", "$", "$A", "${A}", "${B}", "${NONE}",
    "${A:-d e}", "${B:-d}", "${A:x}", "${", "}", "$$", "p@ss", "w0rd!", "value", "two words", "\u00e9", "\u0939\u093f",
    "\U0001f600", "\u00a0", "\u2003", "\x1c", "\x0b", "\x0c", "\x85", "\u2028", "`", "a=b", ":", "-", ";", "\ufeff",
]
def line():
    name = dice.choice(["A", "B", "C1", "'D E'", "export A", "  A", "A.b-c"])
    value = "".join(dice.choice(pieces) for _ in range(dice.randrange(5)))
    quote = dice.choice(["", "", "'", '"'])
    tail = dice.choice(["", "", "", " ", " # note", " x", "#"])
    return f"{name}{dice.choice(['=', ' = ', '= ', '=', ''])}{quote}{value}{quote}{tail}" + dice.choice(["\n", "\n", "\r\n", "\r"])
cases = []
for number in range(8000):
    if number % 2:
        text = "".join(dice.choice(pieces) for _ in range(dice.randrange(1, 14)))
    else:
        text = dice.choice(["", "", "\ufeff"]) + "".join(line() for _ in range(dice.randrange(1, 6)))
    # As `open` reads it: every end of a line is one character.
    stream = lambda: io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")
    values = DotEnv(None, stream=stream(), override=False, interpolate=True).dict()
    unreadable = sum(binding.error for binding in parse_stream(stream()))
    cases.append({"text": text, "environment": environment, "values": dict(values), "unreadable": unreadable})
json.dump(cases, open(sys.argv[1], "w"))
PYTHON
ECOMRES_DOTENV_CASES="$work/cases.json" tests/ignored.sh dotenv::as_python_dotenv_reads_it
