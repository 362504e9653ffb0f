#!/usr/bin/env python3
"""Training of a small ResNet on EuroSAT in PyTorch with the settings of inputs/resnet50/eurosat.par, to hold curves beside each other.
usage: eurosat-torch.py TRAIN.tar TEST.tar [--epochs N] [--batch N] [--grains N] [--seed N] [--model NAME] [--held-back SHARE] [--threads N]
A line per epoch: loss of training, and loss, top-1 of the images held back; at the end those of the test. Needs PyTorch and Pillow."""
import argparse
import io
import math
import tarfile

import numpy as np
import torch
from PIL import Image
from resnet_nets import make
from torch.nn import functional as F

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PAD, RATE, DECAY, SMOOTHING, WARM_UP = 6, 0.05, 5e-4, 0.1, 1


def read(path, names):
    """[n][3][64][64] normalised, and classes in alphabetical order."""
    images, labels = [], []
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isfile():
                labels.append(member.name.split("/")[-2])
                images.append(np.asarray(Image.open(io.BytesIO(tar.extractfile(member).read())).convert("RGB"), np.float32) / 255)
    names += [name for name in sorted(set(labels)) if name not in names]
    x = (np.stack(images) - np.float32(MEAN)) / np.float32(STD)
    return torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(), torch.tensor([names.index(label) for label in labels])


def augment(x):
    """Flips both ways, and shifts by up to PAD pixels; what comes in is black."""
    out = torch.empty_like(x)
    black = -torch.tensor(MEAN) / torch.tensor(STD)
    for i, image in enumerate(x):
        down, right, across, upside = (int(torch.randint(k, ())) for k in (2 * PAD + 1, 2 * PAD + 1, 2, 2))
        wide = black.view(3, 1, 1).repeat(1, 64 + 2 * PAD, 64 + 2 * PAD)
        wide[:, PAD:-PAD, PAD:-PAD] = image
        image = wide[:, down : down + 64, right : right + 64]
        out[i] = image.flip([k for k, flip in ((1, upside), (2, across)) if flip])
    return out


def judge(net, x, y):
    """Mean loss and top-1."""
    net.eval()
    loss, right = 0.0, 0
    with torch.no_grad():
        for i in range(0, len(x), 100):
            out = net(x[i : i + 100].contiguous(memory_format=torch.channels_last))
            loss += F.cross_entropy(out, y[i : i + 100], reduction="sum").item()
            right += (out.argmax(1) == y[i : i + 100]).sum().item()
    net.train()
    return loss / len(x), right / len(x)


def step(net, x, y, grains):
    """Gradients of a batch; norms take their means over a grain. Mean loss."""
    total = 0.0
    for some, labels in zip(x.chunk(grains), y.chunk(grains)):
        loss = F.cross_entropy(net(some), labels, label_smoothing=SMOOTHING, reduction="sum") / len(x)
        loss.backward()
        total += loss.item()
    return total


def groups(net):
    """Biases and norms are spared from decay."""
    some, none = [], []
    for p in net.parameters():
        (some if p.dim() > 1 else none).append(p)
    return [{"params": some, "weight_decay": DECAY}, {"params": none, "weight_decay": 0}]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("tar", nargs=2)
    for name, value in (("--epochs", 30), ("--batch", 32), ("--grains", 2), ("--seed", 1), ("--threads", 1)):
        parser.add_argument(name, type=int, default=value)
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--held-back", type=float, default=0.1)
    p = parser.parse_args()
    torch.manual_seed(p.seed)
    torch.set_num_threads(p.threads)
    names = []
    (x, y), (x_test, y_test) = (read(path, names) for path in p.tar)
    order = torch.randperm(len(x))
    held, train = order[: int(p.held_back * len(x))], order[int(p.held_back * len(x)) :]
    net = make(p.model, len(names)).to(memory_format=torch.channels_last)
    net.zero_last_norms()
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.momentum = 1 - 0.9 ** (1 / p.grains)  # running means move on by a tenth in a step, not in a grain
    steps = math.ceil(len(train) / p.batch)
    warm, last = WARM_UP * steps, p.epochs * steps
    optimizer = torch.optim.SGD(groups(net), RATE, momentum=0.9, nesterov=True)
    rule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: (i + 1) / warm if i < warm else (1 + math.cos(math.pi * (i - warm) / max(1, last - warm))) / 2)
    for epoch in range(p.epochs):
        total = 0.0
        for some in train[torch.randperm(len(train))].split(p.batch):
            batch = augment(x[some]).contiguous(memory_format=torch.channels_last)
            optimizer.zero_grad()
            total += step(net, batch, y[some], p.grains) * len(some)
            optimizer.step()
            rule.step()
        told = judge(net, x[held], y[held]) if len(held) else (float("nan"), float("nan"))
        print(f"epoch {epoch + 1}/{p.epochs}  loss {total / len(train):.4f}  held back: loss {told[0]:.4f} top-1 {told[1]:.4f}", flush=True)
    print("test: loss {:.4f} top-1 {:.4f}".format(*judge(net, x_test, y_test)))


main()
