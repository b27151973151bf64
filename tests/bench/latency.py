"""Prints how long one forward pass takes: ecomres, burn, ONNX Runtime and PyTorch side by side, in one run.

    python -m venv /tmp/bench && /tmp/bench/bin/pip install onnxruntime onnx numpy safetensors [torch transformers]
    cargo bench --bench latency --no-run
    /tmp/bench/bin/python tests/bench/latency.py [--model DIR | --width 768] [--rounds 5] [--seconds 2]

All have the same weights, two threads and the same shapes (rows x tokens); they take turns for a few rounds, and what
counts is each one's fastest pass: on a machine with other work the minimum says most. ONNX Runtime gets the network as
plain operators and with its own fused ones, and the faster of the two counts. `--width` makes a folder of random
weights of that width. Without PyTorch its column stays empty.
"""

import argparse
import datetime
import json
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file, save_file

SHAPES = [(1, 16), (1, 32), (32, 32)]
THREADS = 2
ROOT = pathlib.Path(__file__).resolve().parents[2]


def random_folder(width, model, to):
    """A folder like `model` with six layers of another width and random weights in f16."""
    config = json.loads((model / "config.json").read_text())
    config.update(dim=width, hidden_dim=4 * width, n_heads=12, n_layers=6, torch_dtype="float16")
    for name in ["label_info.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"]:
        shutil.copy(model / name, to / name)
    (to / "config.json").write_text(json.dumps(config))
    random, weights = np.random.default_rng(0), {}
    for name, old in load_file(model / "model.safetensors").items():
        # The encoder's sizes grow with the width; vocabulary, positions and labels do not.
        counts = {384: width, 1536: 4 * width}
        shape = [counts.get(size, size) for size in old.shape]
        if name.endswith("norm.weight") or name.endswith("LayerNorm.weight"):
            weights[name] = np.ones(shape, np.float16)
        else:
            weights[name] = (random.standard_normal(shape) * 0.03).astype(np.float16)
    save_file(weights, to / "model.safetensors")


def export(folder, fused):
    """The network as an ONNX graph; `fused` uses ONNX Runtime's own operators."""
    config = json.loads((folder / "config.json").read_text())
    weights = {name: value.astype(np.float32) for name, value in load_file(folder / "model.safetensors").items()}
    dim, heads = config["dim"], config["n_heads"]
    nodes, constants = [], {}

    def constant(name, value):
        constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def node(kind, inputs, domain="", **attributes):
        out = f"{kind}_{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [out], domain=domain, **attributes))
        return out

    def weight(name):
        return constant(name + ".t", weights[name + ".weight"].T)

    def bias(name):
        return constant(name + ".b", weights[name + ".bias"])

    def linear(x, name):
        return node("Add", [node("MatMul", [x, weight(name)]), bias(name)])

    def norm(x, name):
        scale = constant(name + ".w", weights[name + ".weight"])
        return node("LayerNormalization", [x, scale, bias(name)], epsilon=1e-12, axis=-1)

    def add_norm(x, name, of):
        """The layer norm of x plus the linear layer `name` of `of`."""
        if not fused:
            return norm(node("Add", [linear(of, name[0]), x]), name[1])
        scale = constant(name[1] + ".w", weights[name[1] + ".weight"])
        inputs = [node("MatMul", [of, weight(name[0])]), x, scale, bias(name[1]), bias(name[0])]
        return node("SkipLayerNormalization", inputs, domain="com.microsoft", epsilon=1e-12)

    def attention(x, at):
        names = [f"{at}.attention.{name}" for name in ["q_lin", "k_lin", "v_lin"]]
        if fused:
            packed = constant(at + ".qkv", np.concatenate([weights[name + ".weight"].T for name in names], axis=1))
            biases = constant(at + ".qkv.b", np.concatenate([weights[name + ".bias"] for name in names]))
            return node("Attention", [x, packed, biases], domain="com.microsoft", num_heads=heads)
        split = constant("split", np.array([0, 0, heads, dim // heads], np.int64))
        q, k, v = (node("Reshape", [linear(x, name), split]) for name in names)
        q, v = (node("Transpose", [y], perm=[0, 2, 1, 3]) for y in (q, v))
        k = node("Transpose", [k], perm=[0, 2, 3, 1])
        scale = constant("scale", np.array((dim // heads) ** -0.5, np.float32))
        shares = node("Softmax", [node("Mul", [node("MatMul", [q, k]), scale])], axis=-1)
        context = node("Transpose", [node("MatMul", [shares, v])], perm=[0, 2, 1, 3])
        return node("Reshape", [context, constant("join", np.array([0, 0, dim], np.int64))])

    def gelu(x, name):
        if fused:
            return node("BiasGelu", [node("MatMul", [x, weight(name)]), bias(name)], domain="com.microsoft")
        x = linear(x, name)
        root, one, half = (constant(str(n), np.array(n, np.float32)) for n in (2**0.5, 1.0, 0.5))
        erf = node("Erf", [node("Div", [x, root])])
        return node("Mul", [node("Mul", [x, node("Add", [erf, one])]), half])

    words = constant("words", weights["distilbert.embeddings.word_embeddings.weight"])
    places = constant("places", weights["distilbert.embeddings.position_embeddings.weight"])
    x = node("Add", [node("Gather", [words, "ids"]), node("Gather", [places, "positions"])])
    x = norm(x, "distilbert.embeddings.LayerNorm")
    for layer in range(config["n_layers"]):
        at = f"distilbert.transformer.layer.{layer}"
        x = add_norm(x, (f"{at}.attention.out_lin", f"{at}.sa_layer_norm"), attention(x, at))
        x = add_norm(x, (f"{at}.ffn.lin2", f"{at}.output_layer_norm"), gelu(x, f"{at}.ffn.lin1"))
    if config.get("pooling", "cls") == "mean":
        x = node("ReduceMean", [x, constant("axis", np.array([1], np.int64))], keepdims=0)
    else:
        x = node("Gather", [x, constant("first", np.array(0, np.int64))], axis=1)
    outputs = [linear(x, name) for name in ["intent_classifier", "sentiment_classifier"]]
    graph = helper.make_graph(
        nodes,
        "distilbert",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["rows", "tokens"]),
            helper.make_tensor_value_info("positions", TensorProto.INT64, ["tokens"]),
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        list(constants.values()),
    )
    domains = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=domains, ir_version=10)


def onnx_sessions(folder, work):
    """Plain and fused fp32, plain and fused int8."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    sessions = {}
    for fused in [False, True]:
        path = work / f"fused_{fused}.onnx"
        onnx.save(export(folder, fused), path)
        small = work / f"int8_{fused}.onnx"
        extra = {"DefaultTensorType": TensorProto.FLOAT}
        quantize_dynamic(path, small, weight_type=QuantType.QInt8, extra_options=extra)
        sessions["fp32", fused] = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        sessions["int8", fused] = onnxruntime.InferenceSession(str(small), options, providers=["CPUExecutionProvider"])
    return sessions


def torch_model(folder):
    """The encoder in PyTorch with its classifiers, as a function of token ids; None without PyTorch."""
    try:
        import torch
        from transformers import DistilBertConfig, DistilBertModel
    except ImportError:
        return None
    torch.set_num_threads(THREADS)
    config = json.loads((folder / "config.json").read_text())
    weights = {name: torch.from_numpy(value.astype(np.float32)) for name, value in
               load_file(folder / "model.safetensors").items()}
    encoder = DistilBertModel(DistilBertConfig(**{key: value for key, value in config.items() if key != "torch_dtype"}))
    state = {name.removeprefix("distilbert."): value for name, value in weights.items() if name.startswith("distil")}
    encoder.load_state_dict(state, strict=False)
    encoder.eval()
    mean = config.get("pooling", "cls") == "mean"
    heads = [(weights[f"{name}_classifier.weight"], weights[f"{name}_classifier.bias"])
             for name in ["intent", "sentiment"]]

    def run(ids):
        with torch.inference_mode():
            hidden = encoder(torch.from_numpy(ids)).last_hidden_state
            pooled = hidden.mean(1) if mean else hidden[:, 0]
            return [torch.nn.functional.linear(pooled, *head).numpy() for head in heads]

    return run


def clock(function, seconds):
    """Milliseconds of as many calls as fit, three at least."""
    function()
    times, begin = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        function()
        times.append(1e3 * (time.perf_counter() - start))
    return times


def bench_binary():
    """The bench that cargo has built, or builds now."""
    command = ["cargo", "bench", "--bench", "latency", "--no-run", "--message-format", "json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    built = [json.loads(line) for line in lines if '"executable":"' in line]
    return next(entry["executable"] for entry in built if entry["target"]["name"] == "latency")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "model", help="model folder")
    parser.add_argument("--width", type=int, help="take random weights of this width instead")
    parser.add_argument("--rounds", type=int, default=5, help="turns each takes")
    parser.add_argument("--seconds", type=float, default=2.0, help="per shape and turn")
    parser.add_argument("--bench", help="the latency bench that was built before [default: cargo builds it]")
    options = parser.parse_args()
    binary = options.bench or bench_binary()
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        folder = options.model
        if options.width:
            folder = work / "model"
            folder.mkdir()
            random_folder(options.width, options.model, folder)
        sessions, torch_run = onnx_sessions(folder, work), torch_model(folder)
        times = {}

        def note(who, shape, some):
            times.setdefault((who, shape), []).extend(some)

        random = np.random.default_rng(1)
        for turn in range(options.rounds):
            print(f"round {turn + 1} of {options.rounds}", file=sys.stderr)
            command = [binary, str(folder), str(3 * options.seconds)]
            for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[1:]:
                name, *numbers = line.split()
                shape = tuple(int(number) for number in name.split("x"))
                for number, who in enumerate(["ecomres", "ecomres int8", "burn"]):
                    note(who, shape, [float(value) for value in numbers[2 * number : 2 * number + 2]])
            for shape in SHAPES:
                ids = random.integers(0, 30000, shape)
                feed = {"ids": ids, "positions": np.arange(shape[1])}
                answers = {}
                for (kind, fused), session in sessions.items():
                    answers[kind, fused] = session.run(None, feed)
                    note(f"ONNX Runtime {kind}", shape, clock(lambda: session.run(None, feed), options.seconds / 2))
                if torch_run:
                    answers["torch"] = torch_run(ids)
                    note("PyTorch", shape, clock(lambda: torch_run(ids), options.seconds))
                for who, answer in answers.items():
                    if "int8" not in who:
                        # Who computes something else must not be compared.
                        np.testing.assert_allclose(answer[0], answers["fp32", False][0], atol=2e-3, err_msg=str(who))
    processor = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
                     platform.processor()) if sys.platform == "linux" else platform.processor()
    width = json.loads((options.model / "config.json").read_text())["dim"] if not options.width else options.width
    print(f"{datetime.date.today()}, {processor}, {THREADS} threads, width {width}; milliseconds: minimum (median)\n")
    print("| rows x tokens | " + " | ".join(f"{rows}x{tokens}" for rows, tokens in SHAPES) + " |")
    print("|---|" + "---|" * len(SHAPES))
    for who in ["ecomres", "burn", "ONNX Runtime fp32", "PyTorch", "ecomres int8", "ONNX Runtime int8"]:
        cells = [times.get((who, shape)) for shape in SHAPES]
        cells = [f"{min(cell):.2f} ({statistics.median(cell):.2f})" if cell else "" for cell in cells]
        print(f"| {who} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
