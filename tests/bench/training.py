"""Prints how fast the two train: ecomres and PyTorch, on the same batches, in one run.

    python -m venv /tmp/bench && /tmp/bench/bin/pip install torch transformers
    cargo build --release
    /tmp/bench/bin/python tests/bench/training.py [--base DIR] [--rounds 3] [--steps 30]

Both train the whole network (dropout 0.1, AdamW, clipped gradients) from the same folder on the CPU with two threads.
Every message has exactly as many tokens as the column says, so that both see the same batches of 32 rows. They take turns;
the median step of all rounds counts. Memory is each process's peak.
"""

import argparse
import csv
import datetime
import json
import os
import pathlib
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS = 32
INTENTS, SENTIMENTS = 9, 3


def write_rows(vocab, tokens, steps, to):
    """Messages of `tokens` tokens, [CLS] and [SEP] counted, made of whole words of the vocabulary."""
    chance = random.Random(tokens)
    words = [word for word in vocab if word.isascii() and word.isalpha() and len(word) > 2]
    with open(to, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "intent", "sentiment"])
        for _ in range(ROWS * steps):
            text = " ".join(chance.choices(words, k=tokens - 2))
            rows.writerow([text, f"i{chance.randrange(INTENTS)}", f"s{chance.randrange(SENTIMENTS)}"])


def ecomres(binary, base, data, steps):
    """Seconds of each step but the first three, and the peak memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "model"
        few = pathlib.Path(folder) / "validation.csv"
        with open(data) as file:
            few.write_text("".join([next(file) for _ in range(33)]))
        command = [binary, "--quiet", "train", "--data", data, "--validation", few, "--base", base, "--out", out]
        command += ["--epochs", "1", "--batch-size", str(ROWS), "--lr", "1e-5"]
        threads = {**os.environ, "RAYON_NUM_THREADS": "2"}
        # Its numbers are not needed here.
        child = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, env=threads)
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            sys.exit(f"ecomres train failed with status {status}")
        lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
        seconds = [line["seconds"] for line in lines if "loss" in line and "step" in line]
        return seconds[3:steps], usage.ru_maxrss / 1024


def pytorch(base, data, steps):
    """The same in a process of its own, which calls `pytorch_child`."""
    command = [sys.executable, __file__, "--child", str(base), str(data), str(steps)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def pytorch_child(base, data, steps):
    import torch
    from tokenizers import Tokenizer
    from transformers import DistilBertConfig, DistilBertModel

    torch.set_num_threads(2)
    torch.manual_seed(0)
    config = json.loads((base / "config.json").read_text())
    keep = ["vocab_size", "dim", "hidden_dim", "n_layers", "n_heads", "max_position_embeddings", "activation"]
    encoder = DistilBertModel(DistilBertConfig(**{name: config[name] for name in keep if name in config}))
    heads = torch.nn.ModuleList([torch.nn.Linear(config["dim"], count) for count in (INTENTS, SENTIMENTS)])
    network = torch.nn.ModuleList([encoder, heads]).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-5, weight_decay=0.01)
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_padding()
    with open(data) as file:
        rows = list(csv.DictReader(file))
    seconds = []
    for step in range(steps):
        part = rows[step * ROWS : (step + 1) * ROWS]
        start = time.perf_counter()
        ids = torch.tensor([one.ids for one in tokenizer.encode_batch([row["text"] for row in part])])
        hidden = encoder(input_ids=ids).last_hidden_state.mean(1)
        targets = ([int(row["intent"][1:]) for row in part], [int(row["sentiment"][1:]) for row in part])
        loss = sum(
            torch.nn.functional.cross_entropy(head(hidden), torch.tensor(target), label_smoothing=0.1)
            for head, target in zip(heads, targets)
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - start)
    print(json.dumps([seconds[3:], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def main():
    if sys.argv[1:2] == ["--child"]:
        return pytorch_child(pathlib.Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--base", type=pathlib.Path, default=ROOT / "model")
    arguments.add_argument("--binary", type=pathlib.Path, default=ROOT / "target/release/ecomres")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--steps", type=int, default=30)
    given = arguments.parse_args()
    vocab = (given.base / "vocab.txt").read_text().splitlines()
    print(f"{datetime.date.today()}, {processor()}, two threads; rows/s, more is better; peak memory")
    print(f"{'batch':>8} {'ecomres':>9} {'PyTorch':>9} {'ratio':>6}   memory, MB")
    for tokens in (16, 32):
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder) / "rows.csv"
            write_rows(vocab, tokens, given.steps, data)
            ours, theirs, memory = [], [], [0, 0]
            for _ in range(given.rounds):
                seconds, peak = ecomres(given.binary, given.base, data, given.steps)
                ours += seconds
                memory[0] = max(memory[0], peak)
                seconds, peak = pytorch(given.base, data, given.steps)
                theirs += seconds
                memory[1] = max(memory[1], peak)
        a, b = (ROWS / statistics.median(seconds) for seconds in (ours, theirs))
        print(f"{ROWS}x{tokens:<5} {a:9.1f} {b:9.1f} {a / b:6.2f}   {memory[0]:.0f} and {memory[1]:.0f}")


if __name__ == "__main__":
    main()
