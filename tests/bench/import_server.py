"""Prints how fast 100,000 orders reach a server, beside the way of the original, on the same server in one run.

    python3 -m venv /tmp/bench && /tmp/bench/bin/pip install pandas pymongo
    cargo build --release
    /tmp/bench/bin/python tests/bench/import_server.py [--binary target/release/ecomres] [--file FILE.csv] [--rounds 5]

The original reads the file with pandas, makes dictionaries of the rows and inserts them in thousands: `read_csv`,
`to_dict("records")`, `insert_many`. That is timed from the first line to the last, without the start of Python and its
imports. `ecomres import` is timed as a whole process; it makes its indexes, checks every row, refuses an order that is
there twice, and has every write acknowledged by a majority and journaled. They take turns, each round into a new database.

TEST_MONGO_URI names a server that runs already; without it one is started from the virtual environment SECANTUS_VENV (see
tests/mongo.sh). That server speaks MongoDB's protocol and is not MongoDB: the numbers are of that server.
"""

import argparse
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import pandas
import pymongo

ROOT = pathlib.Path(__file__).resolve().parents[2]
BATCH = 1_000


def original(uri, name, file):
    """Seconds for reading, converting and inserting, and in all."""
    begun = time.perf_counter()
    frame = pandas.read_csv(file)
    read = time.perf_counter()
    rows = frame.to_dict("records")
    converted = time.perf_counter()
    collection = pymongo.MongoClient(uri)[name]["order_details"]
    for start in range(0, len(rows), BATCH):
        collection.insert_many(rows[start : start + BATCH])
    end = time.perf_counter()
    return read - begun, converted - read, end - converted, end - begun


def ours(binary, uri, name, file):
    hosts, options = uri.split("/?")
    begun = time.perf_counter()
    subprocess.run([binary, "import", "--quiet", "--store", f"{hosts}/{name}?{options}", file], check=True,
                   stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def start_server(folder):
    venv = os.environ.get("SECANTUS_VENV") or os.path.join(tempfile.gettempdir(), "ecomres-secantus")
    server = os.path.join(venv, "bin", "secantusd-rs")
    if not os.path.exists(server):
        sys.exit(f"{server} is not there: tests/mongo.sh makes it, or name a server with TEST_MONGO_URI")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    child = subprocess.Popen(
        [server, "--host", "127.0.0.1", "--port", str(port), "--storage-path", os.path.join(folder, "data"),
         "--cache-size", "512M", "--sync-on-commit", "--log-level", "WARNING"],
        stdout=subprocess.DEVNULL)
    return child, f"mongodb://127.0.0.1:{port}/?directConnection=true"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--binary", default=str(ROOT / "target/release/ecomres"))
    options.add_argument("--file", default=str(ROOT / "../shared/data/orders_100k.csv"))
    options.add_argument("--rounds", type=int, default=5)
    options = options.parse_args()
    if not os.path.exists(options.file):
        print(f"skipped: {options.file} is not there", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        child, uri = None, os.environ.get("TEST_MONGO_URI")
        if not uri:
            child, uri = start_server(folder)
        try:
            client = pymongo.MongoClient(uri, serverSelectionTimeoutMS=30_000)
            client.admin.command("ping")
            peer, mine = [], []
            for turn in range(options.rounds):
                names = [f"bench_{who}_{os.getpid()}_{turn}" for who in ("original", "ecomres")]
                peer.append(original(uri, names[0], options.file))
                mine.append(ours(options.binary, uri, names[1], options.file))
                counts = [client[name]["order_details"].estimated_document_count() for name in names]
                if counts[0] != counts[1]:
                    sys.exit(f"they inserted {counts[0]} and {counts[1]} orders")
                for name in names:
                    client.drop_database(name)
                print(f"round {turn + 1}: original {peer[-1][3]:.2f} s, ecomres {mine[-1]:.2f} s, {counts[0]} orders")
            parts = [statistics.median(part) for part in zip(*peer)]
            median = statistics.median(mine)
            print(f"original: median {parts[3]:.2f} s (reads {parts[0]:.2f}, converts {parts[1]:.2f}, inserts {parts[2]:.2f})")
            print(f"ecomres:  median {median:.2f} s, best {min(mine):.2f} s, {parts[3] / median:.1f} times as fast")
        finally:
            if child:
                child.terminate()
                child.wait()


if __name__ == "__main__":
    main()
