#!/usr/bin/env python3
"""Makes src/domain/language/features.tsv: how much each word and each piece of a word speaks for a language.

    tests/language/make.py [--check]

From the training rows in data/, by a naive Bayes model over whole words and runs of three letters. `--check` compares
instead of writing. With it the share of the validation and test rows that are told right is printed.
"""
import collections
import csv
import math
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "src/domain/language/features.tsv"
LANGUAGES = ["en", "hi-Latn", "es", "pt", "other"]
KEPT = 6000


def rows(*names):
    for name in names:
        with open(ROOT / "data" / f"{name}.csv", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["language"] in LANGUAGES:
                    yield row["text"], row["language"]


def features(text):
    """Words, and their runs of three letters; nothing that holds a digit."""
    for token in re.split(r"\s+", text.lower()):
        if any(letter.isdigit() for letter in token):
            continue
        for word in re.findall(r"[^\W\d_]+", token):
            yield "=" + word
            edged = f"^{word}$"
            for at in range(len(edged) - 2):
                yield edged[at : at + 3]


def train():
    counts = {language: collections.Counter() for language in LANGUAGES}
    texts = collections.Counter()
    for text, language in rows("train", "train_hinglish", "train_languages", "train_more"):
        texts[language] += 1
        counts[language].update(set(features(text)))
    # How often a feature is in a text of a language, against its mean over all languages.
    table = {}
    for feature in set().union(*counts.values()):
        seen = [counts[language][feature] for language in LANGUAGES]
        if sum(seen) < 3:
            continue
        rates = [(count + 0.1) / (texts[language] + 1) for count, language in zip(seen, LANGUAGES)]
        logs = [math.log(rate) for rate in rates]
        mean = sum(logs) / len(logs)
        # Languages with few rows have large errors.
        weights = [max(-99, min(99, round(10 * (log - mean)))) for log in logs]
        table[feature] = (weights, sum(rates) * (max(logs) - min(logs)))
    best = sorted(table, key=lambda feature: (-table[feature][1], feature))[:KEPT]
    return {feature: table[feature][0] for feature in sorted(best)}


def scores(table, text):
    found = [table[feature] for feature in features(text) if feature in table]
    return [sum(weights[at] for weights in found) for at in range(len(LANGUAGES))], len(found)


def main():
    table = train()
    lines = ["# Made by tests/language/make.py: feature, then ten times the log-odds of " + ", ".join(LANGUAGES)]
    lines += ["\t".join([feature, *map(str, weights)]) for feature, weights in table.items()]
    content = "\n".join(lines) + "\n"
    right, total = collections.Counter(), collections.Counter()
    for text, language in rows("validation", "test"):
        total[language] += 1
        points, found = scores(table, text)
        right[language] += found > 0 and LANGUAGES[points.index(max(points))] == language
    for language in LANGUAGES:
        print(f"{language}: {right[language]} of {total[language]} ({100 * right[language] / total[language]:.1f} %)")
    if "--check" in sys.argv[1:]:
        if TABLE.read_text(encoding="utf-8") != content:
            sys.exit(f"{TABLE.name} is not what the rows give: run tests/language/make.py")
    else:
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(content, encoding="utf-8")


main()
