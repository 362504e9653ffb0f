#!/usr/bin/env python3
"""Nets of PSML against PyTorch: the same weights and batch, then logits, loss, every gradient, and the weights
after ten steps of an optimizer with the losses on the way, compared at 1e-4 of the largest value of each layer.
Residual nets: at 1e-3, and means and variances of the batch too. Next to the kinks of ReLU rounding errors make
gradients jump: norms begin with offsets that leave few numbers there, and batches whose gradients change when weights
are moved by 1e-5 are passed over. Steps spread such errors: losses on the way are compared at 2e-2, weights are not.
usage: nets.py NN-GOLDEN FOLDER [NET ...]        needs PyTorch and NumPy"""
import copy
import json
import os
import struct
import subprocess
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

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


class Net(nn.Module):
    shape, labels, batch = (30,), True, 32
    tolerance = after = TOLERANCE
    steps, optimizers, weights_after = 10, ("sgd", "adam", "adamw", "rmsprop"), True  # are weights compared after the steps?


class Dense(Net):
    shape = (30,)

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.norm = nn.Linear(30, 70), nn.Linear(70, 33), nn.LayerNorm(33)
        self.fc3, self.fc4 = nn.Linear(33, 17), nn.Linear(17, 10)

    def forward(self, x):
        x = self.norm(torch.tanh(self.fc2(F.relu(self.fc1(x)))))
        return self.fc4(torch.sigmoid(self.fc3(x)))


class Image(Net):
    shape = (28, 28, 1)

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 20, 5, padding=2), nn.Conv2d(20, 50, 5, padding=2)
        self.fc1, self.fc2 = nn.Linear(50 * 7 * 7, 500), nn.Linear(500, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class Residual(Net):
    shape = (17, 15, 3)

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 7, 2, 3), nn.BatchNorm2d(16)
        self.conv2, self.bn2 = nn.Conv2d(16, 16, 3, 1, 1), nn.BatchNorm2d(16)
        self.conv3, self.fc = nn.Conv2d(16, 16, 1), nn.Linear(16 * 2 * 2, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.conv3(F.relu(self.bn2(self.conv2(x)))) + x
        return self.fc(F.avg_pool2d(x, 2).flatten(1))


class Bottlenecks(Net):
    shape = (22, 19, 3)
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


class Decoder(Net):
    shape = (30,)

    def __init__(self):
        super().__init__()
        self.fc1, self.conv1, self.conv2 = nn.Linear(30, 24 * 4 * 3), nn.Conv2d(24, 20, 3, 1, 1), nn.Conv2d(20, 3, 3, 1, 1)
        self.grow1, self.grow2, self.fc2 = nn.Upsample(size=(7, 6)), nn.Upsample(scale_factor=2), nn.Linear(3 * 14 * 12, 10)

    def forward(self, x):
        x = F.relu(self.fc1(x)).unflatten(1, (24, 4, 3))
        x = torch.sigmoid(self.conv2(self.grow2(F.relu(self.conv1(self.grow1(x))))))
        return self.fc2(x.flatten(1))


class Series(Net):
    shape, labels = (12, 5), False

    def __init__(self):
        super().__init__()
        self.lstm, self.fc = nn.LSTM(5, 40, 2, batch_first=True), nn.Linear(40, 3)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


class Basic(nn.Module):
    """Of torchvision's names, as all that follows."""

    def __init__(self, inside, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inside, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.downsample = shortcut(inside, width, stride)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (self.downsample(x) if self.downsample else x))


class Bottleneck(nn.Module):
    def __init__(self, inside, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inside, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.downsample = shortcut(inside, 4 * width, stride)

    def forward(self, x):
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(y)) + (self.downsample(x) if self.downsample else x))


def shortcut(inside, out, stride):
    if stride == 1 and inside == out:
        return None
    return nn.Sequential(nn.Conv2d(inside, out, 1, stride, bias=False), nn.BatchNorm2d(out))


class ResNet(Net):
    batch, tolerance, after = 8, 1e-3, 2e-2
    steps, optimizers, weights_after = 20, ("gentle",), False

    def __init__(self, block, expansion, blocks, width, small):
        super().__init__()
        self.small, inside = small, width
        self.conv1 = nn.Conv2d(3, width, 3 if small else 7, 1 if small else 2, 1 if small else 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.stages = len(blocks)
        for stage, count in enumerate(blocks):
            layer = []
            for i in range(count):
                layer.append(block(inside, width << stage, 2 if stage > 0 and i == 0 else 1))
                inside = expansion * (width << stage)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layer))
        self.fc = nn.Linear(inside, 10)
        for m in reversed(list(self.modules())):  # inner ones first
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            if isinstance(m, nn.BatchNorm2d):  # ones and zeros would hide mistakes
                nn.init.uniform_(m.weight, 0.8, 1.2)
                nn.init.uniform_(m.bias, 2, 3)
                with torch.no_grad():
                    m.bias[::4] *= -1
            if isinstance(m, (Basic, Bottleneck)):  # as small as training makes them
                nn.init.uniform_(m.bn2.weight if isinstance(m, Basic) else m.bn3.weight, 0.15, 0.25)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        if not self.small:
            x = F.max_pool2d(x, 3, 2, 1)
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(x.mean((2, 3)))


class ResNet18(ResNet):
    shape = (64, 64, 3)

    def __init__(self):
        super().__init__(Basic, 1, (2, 2, 2, 2), 64, False)


class ResNet50(ResNet):
    shape, batch = (64, 64, 3), 4

    def __init__(self):
        super().__init__(Bottleneck, 4, (3, 4, 6, 3), 64, False)


class ResNet20(ResNet):
    shape = (32, 32, 3)

    def __init__(self):
        super().__init__(Basic, 1, (3, 3, 3), 16, True)


NETS = {"dense": Dense, "image": Image, "residual": Residual, "bottleneck": Bottlenecks, "decoder": Decoder, "series": Series,
        "resnet18": ResNet18, "resnet50": ResNet50, "resnet20": ResNet20}

# Options of nn-golden, and PyTorch's optimizer. EPS is large beside rounding errors of gradients (1e-9): with a small one, a step
# on a weight without influence is the sign of such an error.
EPS = 1e-4
OPTIMIZERS = {
    "sgd": (["--optimizer", "sgd", "--rate", "0.05", "--momentum", "0.9", "--nesterov", "--decay", "0.01"],
            lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=0.01)),
    "gentle": (["--optimizer", "sgd", "--rate", "0.002", "--momentum", "0.9", "--decay", "0.0001"],
               lambda p: torch.optim.SGD(p, 0.002, momentum=0.9, weight_decay=0.0001)),
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


def differ(what, ours, theirs, scale, tolerance):
    error = np.abs(ours - theirs).max() / scale
    good = ours.shape == theirs.shape and error <= tolerance
    if not good:
        print(f"  {what}: differs by {error:.2e} of the largest value")
    return error, not good


def gradients_of(net, x, target):
    """Loss, logits, gradients and, of nets with batch norm, what running means and variances became."""
    logits = net(x.permute(0, 3, 1, 2) if x.dim() == 4 else x)
    loss = F.cross_entropy(logits, target) if net.labels else F.mse_loss(logits, target)
    loss.backward()
    return loss, logits, {k: p.grad.numpy().copy() for k, p in net.named_parameters()}


def robust(net, x, target):
    """Do the gradients stay where rounding errors move the weights?"""
    moved = copy.deepcopy(net)
    with torch.no_grad():
        for p in moved.parameters():
            p.mul_(1 + 1e-5 * torch.randn_like(p))
    _, _, here = gradients_of(copy.deepcopy(net), x, target)
    _, _, there = gradients_of(moved, x, target)
    return all(np.abs(here[k] - there[k]).max() <= 0.3 * net.tolerance * largest(there, k) for k in there)


def example(name):
    """A net and a batch."""
    for seed in range(1, 20):
        torch.manual_seed(seed)
        net = NETS[name]()
        x = torch.randn(net.batch, *net.shape)
        target = torch.randint(10, (net.batch,)) if net.labels else torch.randn(net.batch, 3)
        if not isinstance(net, ResNet) or robust(net, x, target):
            return net, x, target
    raise SystemExit(f"not ok - {name}: no batch has gradients that single precision finds")


def state(net):
    return {k: v.detach().numpy().copy() for k, v in net.state_dict().items() if "num_batches" not in k}


def batch_means(before, after, momentum=0.1):
    """Of the batch, from running ones before and after it."""
    return {k: (after[k] - (1 - momentum) * before[k]) / momentum for k in after if "running" in k}


def compare(tool, folder, name, optimizer):
    net, x, target = example(name)
    options, make = OPTIMIZERS[optimizer]
    before = state(net)
    write(f"{folder}/before.safetensors", before)
    write(f"{folder}/batch.safetensors", {"x": x.numpy(), "label" if net.labels else "target": target.numpy()})
    subprocess.run([tool, folder, "--net", name, "--epochs", str(net.steps), *options], check=True)

    optim, curve = make(net.parameters()), []
    for step in range(net.steps):
        optim.zero_grad()
        loss, logits, gradients = gradients_of(net, x, target)
        curve.append(loss.item())
        if step == 0:
            first = {"logits": logits.detach().numpy().copy(), "loss": np.array([loss.item()], "f4")}
            first_gradients = {**gradients, **batch_means(before, state(net))}
        optim.step()
    worst, bad = {}, 0
    for what, file, theirs, tolerance in (
        ("forward", "logits", first, net.tolerance),
        ("gradient of", "gradients", first_gradients, net.tolerance),
        ("after steps", "after", state(net) if net.weights_after else {}, net.after),
        ("losses", "curve", {"curve": np.array(curve, "f4")}, net.after),
    ):
        ours = read(f"{folder}/{file}.safetensors")
        for k in theirs:
            error, wrong = differ(f"{what} {k}", ours[k], theirs[k], largest(theirs, k), tolerance)
            worst[file] = max(worst.get(file, 0), error)
            bad += wrong
    print(f"{'not ok' if bad else 'ok'} - {name}, {optimizer}, {len(gradients)} gradients: " + ", ".join(f"{k} {v:.1e}" for k, v in worst.items()))
    return bad


def main():
    tool, folder = sys.argv[1:3]
    names = sys.argv[3:] or list(NETS)
    os.makedirs(folder, exist_ok=True)
    torch.set_num_threads(2)
    sys.exit(1 if sum(compare(tool, folder, n, o) for n in names for o in NETS[n].optimizers) else 0)


main()
