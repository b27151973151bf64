#!/bin/sh
# Seconds and peak memory of `ecomres import` on a CSV file of orders, beside Python's csv and sqlite3 modules doing the
# same work (the same columns, the same checks on amounts, one transaction, WAL, synchronous=FULL) in the same run.
#
# Usage: tests/bench/import.sh PATH-OF-ECOMRES [FILE.csv] [ROUNDS]
#
# Without a file: the 100,000 real orders in ../shared, beside the repository; where these are missing, as many generated ones.
# Needs only a POSIX shell and python3, which also does the timing: peak memory is what wait4() reports (ru_maxrss).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
binary=${1:?"usage: $0 PATH-OF-ECOMRES [FILE.csv] [ROUNDS]"}
file=${2:-$here/../../../shared/data/orders_100k.csv}
rounds=${3:-5}

if [ ! -x "$binary" ]; then
    echo "$binary is not an executable: build it first" >&2
    exit 1
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ $# -lt 2 ] && [ ! -f "$file" ]; then
    file=$folder/orders.csv
    "$binary" sample orders --rows 100000 --out "$file" --quiet >/dev/null
fi

cat >"$folder/peer.py" <<'PEER'
import csv, sqlite3, sys
from decimal import Decimal

source, target = sys.argv[1:]
store = sqlite3.connect(target, isolation_level=None)
store.execute("PRAGMA journal_mode = WAL")
store.execute("PRAGMA synchronous = FULL")
store.execute(
    "CREATE TABLE order_details (order_id TEXT PRIMARY KEY, customer_id, platform, placed, delivery_minutes, category,"
    " value_paise, feedback, rating, delayed, refund_requested) WITHOUT ROWID"
)
yes_no = {"Yes": 1, "No": 0}


def rows():
    with open(source, newline="", encoding="utf-8-sig") as lines:
        reader = csv.reader(lines)
        next(reader)
        for row in reader:
            value = int(Decimal(row[6]) * 100)
            if not row[0] or value < 0:
                raise ValueError(row)
            yield (row[0].strip().upper(), *row[1:4], int(row[4]), row[5], value, row[7], int(row[8]),
                   yes_no[row[9]], yes_no[row[10]])


store.execute("BEGIN IMMEDIATE")
store.executemany("INSERT OR REPLACE INTO order_details VALUES (?,?,?,?,?,?,?,?,?,?,?)", rows())
store.execute("COMMIT")
PEER

cat >"$folder/time.py" <<'TIMER'
import os, statistics, sys, time

folder, binary, source, rounds = sys.argv[1:4] + [int(sys.argv[4])]
commands = {
    "ecomres": lambda store: [binary, "import", "--quiet", "--store", store, source],
    "python": lambda store: [sys.executable, os.path.join(folder, "peer.py"), source, store],
}
taken = {name: [] for name in commands}
memory = dict.fromkeys(commands, 0)
for round in range(rounds):
    for name, command in commands.items():  # In turns: what else the machine does meets both.
        arguments = command(os.path.join(folder, f"{name}-{round}.db"))
        quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        start = time.perf_counter()
        child = os.posix_spawnp(arguments[0], arguments, os.environ, file_actions=quiet)
        _, status, used = os.wait4(child, 0)
        taken[name].append(time.perf_counter() - start)
        if status:
            sys.exit(f"{name} failed")
        unit = 1 if sys.platform == "darwin" else 1024
        memory[name] = max(memory[name], used.ru_maxrss * unit)
print(f"{'':8}  median s   best s  peak MB   ({rounds} rounds on {os.cpu_count()} cores)")
for name in commands:
    print(f"{name:8}  {statistics.median(taken[name]):8.2f} {min(taken[name]):8.2f} {memory[name] / 1e6:8.0f}")
ratio = statistics.median(taken["python"]) / statistics.median(taken["ecomres"])
print(f"ecomres is {ratio:.1f} times as fast as Python's csv and sqlite3 on {os.path.basename(source)}")
TIMER

python3 "$folder/time.py" "$folder" "$binary" "$file" "$rounds"
