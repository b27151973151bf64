#!/usr/bin/env python3
"""Learns when a passage answers a question: the weights of src/knowledge/signals.rs, from questions of which that is known.

    pip install numpy
    python3 tests/knowledge/answers.py target/debug/ecomres

A question has several chunks to choose from, and that none answers: the chances are those of a logit over all of them. The right
answer is a right chunk, or none: for questions that no document answers, and for every question asked again without the documents
that answer it. Each question is read four times; three times some of its words stand for no subject, since the subjects were chosen
with these questions and will know fewer words of the next shop's customers. Only the part `tuning` of the questions and those to the shop
`home` are used. The figures are those of each shop by weights that were learnt from the others."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy

FIXTURES = Path(__file__).parents[2] / "fixtures"
# What a question counts that is asked without the documents that answer it: other documents may answer it after all.
LEFT_OUT = 0.1
# Keeps weights small.
RIDGE = 5.0
# The rule that was found by hand before anything was learnt (coverage and score, less where something is missing) is added to what is
# learnt: it holds for shops whose pages are unlike those here, where what is learnt alone is worse.
RULE = {"covered": 3.0, "score": 1.8, "absent": -0.63, "undone": -1.23}
RULE_NEEDS = 2.7
# What it is worth besides that a chunk holds all of a question, word for word: WHOLE and ALL of signals.rs.
WHOLE = 1.0
ALL = 0.97


def home(path):
    """Writes the questions to the shop `home` as JSON lines; returns the document that answers each, and what the answer holds."""
    answers = {}
    with open(path, "w", encoding="utf-8") as target:
        lines = (FIXTURES / "knowledge-questions.tsv").read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(line for line in lines if line and not line.startswith("#")):
            question, file, holds = (line.split("\t") + ["", ""])[:3]
            answers[f"home{number}"] = (file, holds.lower())
            passages = [] if file == "-" else [{"document": file, "heading": ""}]
            one = {"id": f"home{number}", "folder": "home", "question": question, "passages": passages}
            target.write(json.dumps(one, ensure_ascii=False) + "\n")
    return answers


def examples(program):
    """What the search sees of the questions."""
    with tempfile.TemporaryDirectory() as folder:
        of_home = Path(folder) / "home.jsonl"
        answers = home(of_home)
        ask = [program, "knowledge", "check", str(FIXTURES / "knowledge"), "--examples", "--questions"]
        asked = [[str(FIXTURES / "knowledge/questions.jsonl"), "--part", "tuning"], [str(of_home)]]
        texts = [subprocess.run(ask + one, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout for one in asked]
    found = [json.loads(line) for text in texts for line in text.splitlines()]
    for one in found:
        if one["folder"] == "home" and not one["left_out"] and one["answerable"]:
            file, holds = answers[one["id"]]
            for candidate in one["candidates"]:
                candidate["right"] = candidate["source"].startswith(file) and holds in candidate["text"].lower()
    return [one for one in found if one["part"] == 0]


def table(found):
    """Signals of each question's chunks, the chunks that are there and right, and what the question counts."""
    names = next(list(one["candidates"][0]["signals"]) for one in found if one["candidates"])
    most = max(len(one["candidates"]) for one in found)
    signals = numpy.zeros((len(found), most, len(names)))
    there, right = numpy.zeros((2, len(found), most), bool)
    for row, one in enumerate(found):
        for at, candidate in enumerate(one["candidates"]):
            signals[row, at] = [candidate["signals"][name] for name in names]
            there[row, at], right[row, at] = True, candidate["right"]
    counts = numpy.array([LEFT_OUT if one["left_out"] else 1.0 for one in found])
    return names, signals, there, right, counts


def chances(signals, there, weights):
    """The chance of each chunk, and behind them that of none."""
    worth = numpy.where(there, signals @ weights[:-1] + weights[-1], -numpy.inf)
    worth = numpy.concatenate([worth, numpy.zeros((len(worth), 1))], 1)
    powers = numpy.exp(worth - worth.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def learn(names, signals, there, right, counts):
    """Weights, and behind them what all chunks are worth, by Newton's method on alike scales."""
    scale = signals[there].std(0) + 1e-6
    inputs = numpy.concatenate([signals / scale, numpy.ones((*there.shape, 1))], 2) * there[:, :, None]
    none = numpy.zeros((len(inputs), 1, inputs.shape[2]))
    inputs = numpy.concatenate([inputs, none], 1)
    is_right = numpy.concatenate([right, ~right.any(1, keepdims=True)], 1)
    weights = numpy.zeros(inputs.shape[2])
    ridge = numpy.diag([RIDGE] * len(scale) + [1e-6])
    for _ in range(60):
        of_all = chances(inputs[:, :-1, :-1], there, weights)
        of_right = of_all * is_right
        of_right /= of_right.sum(1, keepdims=True) + 1e-12
        slope = numpy.einsum("n,nk,nkf->f", counts, of_all - of_right, inputs) + ridge @ weights
        mean = numpy.einsum("nk,nkf->nf", of_all, inputs)
        # Of the chances of all alone: where several chunks are right that bends more than needed, so that no step is too long.
        bend = numpy.einsum("n,nk,nkf,nkg->fg", counts, of_all, inputs, inputs)
        bend -= numpy.einsum("n,nf,ng->fg", counts, mean, mean)
        step = numpy.linalg.solve(bend + ridge, slope)
        weights -= step
        if abs(step).max() < 1e-6:
            break
    weights[:-1] /= scale
    return weights + numpy.array([RULE.get(name, 0.0) for name in names] + [-RULE_NEEDS])


def whole(names, signals):
    """What chunks are worth that hold all of a question."""
    column = {name: signals[:, :, at] for at, name in enumerate(names)}
    return WHOLE * ((column["covered"] >= ALL) & (column["itself"] >= ALL) & (column["undone"] == 0))


def figures(found, worth, needed):
    """Shares: the right chunk first, wrongly not known, made up, answered without the documents that do."""
    first, unknown, made, left, of = 0, 0, 0, 0, [0, 0, 0]
    for one, chunks in zip(found, worth):
        enough = [at for at in range(len(one["candidates"])) if chunks[at] >= needed]
        best = min(enough, key=lambda at: (one["candidates"][at]["built_in"], -chunks[at]), default=None)
        kind = 2 if one["left_out"] else 0 if one["answerable"] else 1
        of[kind] += 1
        if kind == 0:
            unknown += best is None
            first += best is not None and one["candidates"][best]["right"]
        made += kind == 1 and best is not None
        left += kind == 2 and best is not None
    return [count / max(all_, 1) * 100 for count, all_ in zip([first, unknown, made, left], [of[0], of[0], of[1], of[2]])]


def main():
    found = examples(sys.argv[1])
    names, signals, there, right, counts = table(found)
    shops = numpy.array([one["folder"] for one in found])
    worth = numpy.zeros(there.shape)
    for shop in sorted(set(shops)):
        rest = shops != shop
        weights = learn(names, signals[rest], there[rest], right[rest], counts[rest])
        worth[~rest] = signals[~rest] @ weights[:-1] + weights[-1] + whole(names, signals[~rest])
    groups = {
        "eight shops": [row for row, one in enumerate(found) if one["folder"] != "home" and one["round"] == 0],
        "… with fewer subjects": [row for row, one in enumerate(found) if one["folder"] != "home" and one["round"] > 0],
        "home": [row for row, one in enumerate(found) if one["folder"] == "home" and one["round"] == 0],
    }
    print("needed | right first, wrongly not known, made up, answered without its documents")
    for needed in numpy.arange(-1.4, 1.41, 0.2):
        shown = []
        for name, rows in groups.items():
            shares = figures([found[row] for row in rows], worth[rows], needed)
            shown.append(f"{name} " + " ".join(f"{share:4.1f}" for share in shares))
        print(f"{needed:6.2f} | " + " | ".join(shown))
    weights = learn(names, signals, there, right, counts)
    print("const WEIGHTS: [f32; COUNT] =\n    [" + ", ".join(f"{weight:.3f}" for weight in weights[:-1]) + "];")
    print(f"const BASE: f32 = {weights[-1]:.3f};")
    print("// " + ", ".join(names))


main()
