"""Rows/s of training in PyTorch on a graphics card, on the batches that tests/bench/card.sh trains ours on.

Six layers, AdamW, gradients clipped at 1, dropout 0.1, two classifiers: eager and compiled, in f32 and with bf16 under autocast.
"""

import time

import torch
from torch import nn

WORDS, SECONDS, WARM_UP = 8000, 4.0, 6


class Network(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.words, self.positions = nn.Embedding(WORDS, dim), nn.Embedding(512, dim)
        self.norm, self.dropout = nn.LayerNorm(dim, eps=1e-12), nn.Dropout(0.1)
        layer = nn.TransformerEncoderLayer(dim, 12, 4 * dim, 0.1, "gelu", batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 6, enable_nested_tensor=False)
        self.heads = nn.ModuleList([nn.Linear(dim, labels) for labels in (9, 3)])

    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.dropout(self.norm(self.words(ids) + self.positions(places)))
        pooled = self.layers(x).mean(1)
        return [head(pooled) for head in self.heads]


def rate(dim, rows, tokens, compiled, half):
    torch.manual_seed(1)
    network = Network(dim).cuda().train()
    forward = torch.compile(network) if compiled else network
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=0.01, fused=True)
    ids = torch.randint(0, WORDS, (rows, tokens), device="cuda")
    truths = [torch.arange(rows, device="cuda") % labels for labels in (9, 3)]
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=half):
            loss = sum(loss_of(logits, truth) for logits, truth in zip(forward(ids), truths))
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()

    for _ in range(WARM_UP):
        step()
    torch.cuda.synchronize()
    begin, steps = time.perf_counter(), 0
    while time.perf_counter() - begin < SECONDS and steps < 200:
        for _ in range(10):
            step()
        torch.cuda.synchronize()
        steps += 10
    return steps * rows / (time.perf_counter() - begin)


print("PyTorch", torch.__version__, torch.cuda.get_device_name(), flush=True)
for dim in (384, 768):
    for rows, tokens in ((32, 32), (128, 64), (512, 128)):
        for compiled in (False, True):
            for half in (False, True):
                kind = f"{'compiled' if compiled else 'eager'} {'bf16' if half else 'f32'}"
                found = rate(dim, rows, tokens, compiled, half)
                print(f"PyTorch {kind}, width {dim}, {rows}x{tokens}: trains {found:.0f} rows/s", flush=True)
