"""Compares ecomres with PyPI's transformers, both ways: python transformers_check.py BINARY TINY_MODEL WORK_FOLDER

Out: folders that ecomres ships or writes load in transformers' DistilBertModel and give the logits of their
     reference_logits.json, and the confidences that `ecomres predict` prints.
In:  a folder that transformers' modules save (768 wide, the original's layout: distilbert, dropout, intent_classifier,
     sentiment_classifier) loads in ecomres and gives the logits computed here.
"""

import json
import pathlib
import subprocess
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel

TOLERANCE = 1e-4
TEXTS = [
    "where is my order?",
    "",
    "I WANT MY MONEY BACK NOW!!! ORD000003",
    "mera order kab aayega bhai",
    "thank you so much, the food was hot and the boy was polite",
    "the food was cold and late, i want my money back and i will not wait for another hour for you. " * 3,
]
INTENTS = ["manage_order", "other", "provide_feedback_on_service", "report_delivery_delay", "report_order_content_issue",
           "report_payment_issue", "request_human_agent", "request_refund", "track_order"]
SENTIMENTS = ["negative", "neutral", "positive"]


def ecomres(*arguments):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"ecomres {' '.join(map(str, arguments))} ended with {done.returncode}: {done.stderr}")
    return done.stdout


class MultiTask(torch.nn.Module):
    """The original's classifier: one encoder, one linear layer a task."""

    def __init__(self, encoder, intents, sentiments):
        super().__init__()
        self.distilbert = encoder
        self.dropout = torch.nn.Dropout(0.1)
        self.intent_classifier = torch.nn.Linear(encoder.config.dim, intents)
        self.sentiment_classifier = torch.nn.Linear(encoder.config.dim, sentiments)

    def forward(self, ids, pooling):
        hidden = self.distilbert(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        pooled = self.dropout(hidden.mean(1) if pooling == "mean" else hidden[:, 0])
        return self.intent_classifier(pooled)[0], self.sentiment_classifier(pooled)[0]


def labels_of(folder):
    """Lists of labels, from lists or from objects (label to number), which are inverted as the original does."""
    labels = json.loads((folder / "label_info.json").read_text())
    for name in ("intent_labels", "sentiment_labels"):
        if isinstance(labels[name], dict):
            numbered = {number: label for label, number in labels[name].items()}
            labels[name] = [numbered[number] for number in range(len(numbered))]
    return labels


def load(folder):
    """A folder as transformers reads it; every weight must find its place."""
    encoder, report = DistilBertModel.from_pretrained(folder, output_loading_info=True, dtype=torch.float32)
    missing = list(report["missing_keys"])
    assert not missing, f"{folder}: transformers misses {missing}"
    labels = labels_of(folder)
    model = MultiTask(encoder, len(labels["intent_labels"]), len(labels["sentiment_labels"]))
    stored = load_file(folder / "model.safetensors")
    heads = {name: value.float() for name, value in stored.items() if "_classifier." in name}
    found = model.load_state_dict(heads, strict=False)
    assert not found.unexpected_keys and all(name.startswith("distilbert.") for name in found.missing_keys)
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, stored["distilbert." + name].float()), f"{folder}: {name} was not read from the file"
    return model.eval(), labels


def tokens(folder, text):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(json.loads((folder / "config.json").read_text())["max_position_embeddings"])
    return tokenizer.encode(text).ids


@torch.no_grad()
def logits(model, folder, text):
    config = json.loads((folder / "config.json").read_text())
    return model(torch.tensor([tokens(folder, text)]), config.get("pooling", "cls"))


def write_reference(model, folder, made_by):
    cases = []
    for text in TEXTS:
        intent, sentiment = logits(model, folder, text)
        cases.append({"text": text, "input_ids": tokens(folder, text), "intent_logits": intent.tolist(),
                      "sentiment_logits": sentiment.tolist()})
    out = {"made_by": made_by, "tolerance": TOLERANCE, "cases": cases}
    (folder / "reference_logits.json").write_text(json.dumps(out))


def compare_predictions(model, folder, name):
    """Confidences that ecomres prints (four digits) against softmax(logits / temperature) computed here."""
    config = json.loads((folder / "config.json").read_text())
    labels = labels_of(folder)
    worst = 0.0
    for text in TEXTS:
        output = json.loads(ecomres("--model", folder, "predict", "--json", "--top-k", 50, "--", text))
        for task, values in zip(("intent", "sentiment"), logits(model, folder, text)):
            shares = torch.softmax(values / config.get(f"{task}_temperature", 1.0), 0).tolist()
            mine = dict(zip(labels[f"{task}_labels"], shares))
            theirs = {one["label"]: one["confidence"] for one in output[f"{task}s"]}
            assert mine.keys() == theirs.keys()
            worst = max(worst, *(abs(mine[label] - theirs[label]) for label in mine))
    assert worst <= TOLERANCE, f"{name}: confidences differ by {worst}"
    print(f"ok  {name}: confidences of {len(TEXTS)} texts as `ecomres predict` prints them, difference {worst:.1e}")


def outward(folder, name):
    model, _ = load(folder)
    reference = folder / "reference_logits.json"
    if reference.exists():
        worst = 0.0
        cases = json.loads(reference.read_text())["cases"]
        for case in cases:
            assert tokens(folder, case["text"]) == case["input_ids"], case["text"]
            intent, sentiment = logits(model, folder, case["text"])
            for mine, theirs in ((intent, case["intent_logits"]), (sentiment, case["sentiment_logits"])):
                worst = max(worst, (mine - torch.tensor(theirs)).abs().max().item())
        assert worst <= TOLERANCE, f"{name}: logits differ by {worst}"
        print(f"ok  {name}: logits of {len(cases)} reference texts, difference {worst:.1e}")
    compare_predictions(model, folder, name)
    return model


def write_tokenizer(folder):
    letters = "abcdefghijklmnopqrstuvwxyz0123456789?!.,'"
    words = "where is my order the food was cold and late i want money back thank you so much refund".split()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + letter for letter in letters), *words]
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys(vocabulary))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    return len(vocabulary)


def inward(work):
    """The original's class, 768 wide, saved from here and read there."""
    folder = work / "from-transformers"
    folder.mkdir()
    size = write_tokenizer(folder)
    torch.manual_seed(7)
    config = DistilBertConfig(vocab_size=size, dim=768, n_layers=2, n_heads=12, hidden_dim=3072)
    model = MultiTask(DistilBertModel(config), len(INTENTS), len(SENTIMENTS)).eval()
    for parameter in model.parameters():
        # Fresh norms are 1 and fresh biases 0: a reader that mixes them up would not be noticed.
        parameter.data += 0.05 * torch.randn_like(parameter)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, folder / "model.safetensors",
              metadata={"format": "pt"})
    config.save_pretrained(folder)
    labels = {"intent_labels": INTENTS, "sentiment_labels": SENTIMENTS}
    (folder / "label_info.json").write_text(json.dumps(labels))
    write_reference(model, folder, f"transformers {transformers.__version__}")
    output = json.loads(ecomres("--json", "model", "check", folder))
    print(f"ok  768 wide from transformers: `ecomres model check` on {output['cases']} texts, difference "
          f"{output['largest_difference']:.1e}")
    compare_predictions(model, folder, "768 wide from transformers")


def converted(work):
    """A BERT saved by transformers, converted by ecomres, read by transformers again as a DistilBERT."""
    source, folder = work / "bert", work / "converted"
    source.mkdir()
    size = write_tokenizer(source)
    torch.manual_seed(8)
    config = BertConfig(vocab_size=size, hidden_size=96, num_hidden_layers=3, num_attention_heads=6,
                        intermediate_size=192, max_position_embeddings=64)
    bert = BertModel(config, add_pooling_layer=False).eval()
    for parameter in bert.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    bert.save_pretrained(source)
    ecomres("model", "convert", source, folder, "--dtype", "f32", "--pooling", "mean", "--keep-tokenizer")
    model = outward(folder, "BERT converted by ecomres")
    with torch.no_grad():
        ids = torch.tensor([tokens(folder, TEXTS[0])])
        before = bert(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        after = model.distilbert(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    worst = (before - after).abs().max().item()
    assert worst <= TOLERANCE, f"converted encoder differs by {worst}"
    print(f"ok  BERT converted by ecomres: vectors of the BERT itself, difference {worst:.1e}")


def trained(tiny, work):
    """A folder that `ecomres train` writes: a few steps on the tiny model, then the same questions."""
    data, folder = work / "data.csv", work / "trained"
    rows = [("where is my order", "track_order", "neutral"), ("i want my money back", "request_refund", "negative"),
            ("thank you so much", "provide_feedback_on_service", "positive")]
    lines = [f"{text} {number},{intent},{mood}" for number in range(20) for text, intent, mood in rows]
    data.write_text("text,intent,sentiment\n" + "\n".join(lines) + "\n")
    ecomres("--quiet", "train", "--data", data, "--base", tiny, "--out", folder, "--epochs", 2, "--dtype", "f32",
            "--lr", 0.003)
    outward(folder, "trained by ecomres")


if __name__ == "__main__":
    BINARY, tiny, work = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    transformers.utils.logging.disable_progress_bar()
    print(f"torch {torch.__version__}, transformers {transformers.__version__}")
    outward(tiny, tiny.name)
    inward(work)
    converted(work)
    trained(tiny, work)
