#!/usr/bin/env python3
"""Nets of PSML against PyTorch: the same weights and batch, then logits, loss, every gradient, and the weights
after ten steps of an optimizer, compared at 1e-4 of the largest value of each layer.
usage: nets.py NN-GOLDEN FOLDER [NET ...]        needs PyTorch and NumPy"""
import json
import os
import struct
import subprocess
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

STEPS = 10
TOLERANCE = 1e-4


def write(path, tensors):
    """safetensors: length, header, data."""
    header, data = {}, b""
    names = {np.dtype("float32"): "F32", np.dtype("int64"): "I64"}
    for name, value in tensors.items():
        value = np.ascontiguousarray(value)
        header[name] = {"dtype": names[value.dtype], "shape": list(value.shape), "data_offsets": [len(data), len(data) + value.nbytes]}
        data += value.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def read(path):
    with open(path, "rb") as f:
        raw = f.read()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    header.pop("__metadata__", None)
    out = {}
    for name, t in header.items():
        lo, hi = t["data_offsets"]
        out[name] = np.frombuffer(raw[8 + length + lo : 8 + length + hi], dtype="<f4").reshape(t["shape"])
    return out


class Dense(nn.Module):
    shape, labels = (30,), True

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.norm = nn.Linear(30, 70), nn.Linear(70, 33), nn.LayerNorm(33)
        self.fc3, self.fc4 = nn.Linear(33, 17), nn.Linear(17, 10)

    def forward(self, x):
        x = self.norm(torch.tanh(self.fc2(F.relu(self.fc1(x)))))
        return self.fc4(torch.sigmoid(self.fc3(x)))


class Image(nn.Module):
    shape, labels = (28, 28, 1), True

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 20, 5, padding=2), nn.Conv2d(20, 50, 5, padding=2)
        self.fc1, self.fc2 = nn.Linear(50 * 7 * 7, 500), nn.Linear(500, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class Residual(nn.Module):
    shape, labels = (17, 15, 3), True

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 7, 2, 3), nn.BatchNorm2d(16)
        self.conv2, self.bn2 = nn.Conv2d(16, 16, 3, 1, 1), nn.BatchNorm2d(16)
        self.conv3, self.fc = nn.Conv2d(16, 16, 1), nn.Linear(16 * 2 * 2, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.conv3(F.relu(self.bn2(self.conv2(x)))) + x
        return self.fc(F.avg_pool2d(x, 2).flatten(1))


class Bottleneck(nn.Module):
    shape, labels = (22, 19, 3), True
    layers = [(3, 16, 7, 2), (16, 16, 1, 1), (16, 16, 3, 2), (16, 64, 1, 1), (16, 64, 1, 2), (64, 16, 1, 1), (16, 16, 3, 1), (16, 64, 1, 1)]

    def __init__(self):
        super().__init__()
        for i, (inputs, outputs, kernel, stride) in enumerate(self.layers):
            self.add_module(f"conv{i}", nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False))
            self.add_module(f"bn{i}", nn.BatchNorm2d(outputs))
        self.fc = nn.Linear(64, 10)

    def block(self, x, first):
        for i in range(first, first + 3):
            x = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x))
            x = F.relu(x) if i < first + 2 else x
        return x

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn0(self.conv0(x))), 3, 2, 1)
        x = F.relu(self.block(x, 1) + self.bn4(self.conv4(x)))
        x = F.relu(self.block(x, 5) + x)
        return self.fc(F.avg_pool2d(x, 3).flatten(1))


class Decoder(nn.Module):
    shape, labels = (30,), True

    def __init__(self):
        super().__init__()
        self.fc1, self.conv1, self.conv2 = nn.Linear(30, 24 * 4 * 3), nn.Conv2d(24, 20, 3, 1, 1), nn.Conv2d(20, 3, 3, 1, 1)
        self.grow1, self.grow2, self.fc2 = nn.Upsample(size=(7, 6)), nn.Upsample(scale_factor=2), nn.Linear(3 * 14 * 12, 10)

    def forward(self, x):
        x = F.relu(self.fc1(x)).unflatten(1, (24, 4, 3))
        x = torch.sigmoid(self.conv2(self.grow2(F.relu(self.conv1(self.grow1(x))))))
        return self.fc2(x.flatten(1))


class Series(nn.Module):
    shape, labels = (12, 5), False

    def __init__(self):
        super().__init__()
        self.lstm, self.fc = nn.LSTM(5, 40, 2, batch_first=True), nn.Linear(40, 3)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


NETS = {"dense": Dense, "image": Image, "residual": Residual, "bottleneck": Bottleneck, "decoder": Decoder, "series": Series}

# Options of nn-golden, and PyTorch's optimizer. EPS is large beside rounding errors of gradients (1e-9): with a small one, a step
# on a weight without influence is the sign of such an error.
EPS = 1e-4
OPTIMIZERS = {
    "sgd": (["--optimizer", "sgd", "--rate", "0.05", "--momentum", "0.9", "--nesterov", "--decay", "0.01"],
            lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=0.01)),
    "adam": (["--optimizer", "adam", "--rate", "0.001", "--eps", f"{EPS}"], lambda p: torch.optim.Adam(p, 0.001, eps=EPS)),
    "adamw": (["--optimizer", "adamw", "--rate", "0.002", "--decay", "0.1", "--eps", f"{EPS}"],
              lambda p: torch.optim.AdamW(p, 0.002, weight_decay=0.1, eps=EPS)),
    "rmsprop": (["--optimizer", "rmsprop", "--rate", "0.0001", "--momentum", "0.5", "--beta2", "0.99", "--eps", f"{EPS}"],
                lambda p: torch.optim.RMSprop(p, 0.0001, momentum=0.5, eps=EPS)),
}


def largest(tensors, name):
    """Of the layer: the gradient of a bias in front of batch norm is zero but for rounding."""
    layer = name.rsplit(".", 1)[0]
    return max(np.abs(v).max() for k, v in tensors.items() if k.rsplit(".", 1)[0] == layer)


def differ(what, ours, theirs, scale):
    error = np.abs(ours - theirs).max() / scale
    good = ours.shape == theirs.shape and error <= TOLERANCE
    if not good:
        print(f"  {what}: differs by {error:.2e} of the largest value")
    return error, not good


def compare(tool, folder, name, optimizer):
    torch.manual_seed(1)
    net = NETS[name]()
    options, make = OPTIMIZERS[optimizer]
    x = torch.randn(32, *net.shape)
    target = torch.randint(10, (32,)) if net.labels else torch.randn(32, 3)
    state = lambda: {k: v.detach().numpy().copy() for k, v in net.state_dict().items() if "num_batches" not in k}
    write(f"{folder}/before.safetensors", state())
    write(f"{folder}/batch.safetensors", {"x": x.numpy(), "label" if net.labels else "target": target.numpy()})
    subprocess.run([tool, folder, "--net", name, *options], check=True)

    optim = make(net.parameters())
    given = x.permute(0, 3, 1, 2) if x.dim() == 4 else x
    for step in range(STEPS):
        optim.zero_grad()
        logits = net(given)
        loss = F.cross_entropy(logits, target) if net.labels else F.mse_loss(logits, target)
        loss.backward()
        if step == 0:
            first = {"logits": logits.detach().numpy().copy(), "loss": np.array([loss.item()], "f4")}
            gradients = {k: p.grad.numpy().copy() for k, p in net.named_parameters()}
        optim.step()
    worst, bad = {}, 0
    for what, file, theirs in (("forward", "logits", first), ("gradient of", "gradients", gradients), ("after steps", "after", state())):
        ours = read(f"{folder}/{file}.safetensors")
        for k in theirs:
            error, wrong = differ(f"{what} {k}", ours[k], theirs[k], largest(theirs, k))
            worst[file] = max(worst.get(file, 0), error)
            bad += wrong
    print(f"{'not ok' if bad else 'ok'} - {name}, {optimizer}: " + ", ".join(f"{k} {v:.1e}" for k, v in worst.items()))
    return bad


def main():
    tool, folder = sys.argv[1:3]
    names = sys.argv[3:] or list(NETS)
    os.makedirs(folder, exist_ok=True)
    torch.set_num_threads(2)
    sys.exit(1 if sum(compare(tool, folder, n, o) for n in names for o in OPTIMIZERS) else 0)


main()
