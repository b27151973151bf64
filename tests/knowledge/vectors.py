#!/usr/bin/env python3
"""Makes src/knowledge/vectors.bin: word vectors of the model's own table, with fewer dimensions.

    pip install numpy
    python3 tests/knowledge/vectors.py model src/knowledge/vectors.bin

The rows of `word_embeddings` that are whole words of a to z, centred, on their 64 main axes, as signed bytes. The file: number of
words, dimensions and bytes of text (u32, little-endian), the words with a line break between, and the rows."""
import json
import re
import struct
import sys
from pathlib import Path

import numpy

DIMENSIONS = 64


def table(folder):
    with open(folder / "model.safetensors", "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
        entry = next(entry for name, entry in header.items() if name.endswith("word_embeddings.weight"))
        begin, end = entry["data_offsets"]
        file.seek(8 + length + begin)
        kind = {"F16": numpy.float16, "F32": numpy.float32}[entry["dtype"]]
        return numpy.frombuffer(file.read(end - begin), dtype=kind).reshape(entry["shape"]).astype(numpy.float64)


def main():
    folder, target = Path(sys.argv[1]), Path(sys.argv[2])
    words = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    # The vocabulary's order is that of how common its words are, and stays.
    kept = [(word, row) for row, word in enumerate(words) if re.fullmatch("[a-z]{2,}", word)]
    rows = table(folder)[[row for _, row in kept]]
    rows -= rows.mean(0)
    _, _, axes = numpy.linalg.svd(rows, full_matrices=False)
    # The sign of an axis is arbitrary: its largest part is positive.
    axes = axes[:DIMENSIONS]
    axes *= numpy.sign(axes[numpy.arange(len(axes)), numpy.abs(axes).argmax(1)])[:, None]
    rows = rows @ axes.T
    rows = numpy.round(rows / numpy.abs(rows).max(1, keepdims=True) * 127).astype(numpy.int8)
    text = "\n".join(word for word, _ in kept).encode()
    target.write_bytes(struct.pack("<3I", len(kept), DIMENSIONS, len(text)) + text + rows.tobytes())


main()
