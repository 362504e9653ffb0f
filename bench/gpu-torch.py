#!/usr/bin/env python3
"""Samples/s of training in PyTorch on a GPU, for bench/gpu.sh. Data lie on the GPU: two batches of resnet50, else 16 that are drawn in random order.
usage: gpu-torch.py NET BATCH PRECISION MODE
NET: resnet50, or one of small_nets.ROWS     BATCH: samples     PRECISION: fp32, tf32, bf16 (autocast)
MODE: eager; compiled (torch.compile, of small nets with CUDA graphs); graph (the whole step as one CUDA graph)"""
import statistics
import sys
import time

import torch
from resnet_nets import make
from small_nets import ROWS
from torch.nn import functional as F

SECONDS = 4
GPU = torch.device("cuda")


def resnet50(batch):
    """Net, inputs, targets, optimizer, loss."""
    net = make("resnet50", 1000).to(GPU, memory_format=torch.channels_last)
    x = torch.randn(2 * batch, 3, 224, 224, device=GPU).contiguous(memory_format=torch.channels_last)
    y = torch.randint(1000, (2 * batch,), device=GPU)
    return net, x, y, torch.optim.SGD(net.parameters(), 0.01, momentum=0.9, weight_decay=5e-5, fused=True), F.cross_entropy


def small(name, batch):
    build, shape, _, optimizer, loss = ROWS[name]
    net, x = build().to(GPU), torch.rand(16 * batch, *shape, device=GPU)
    if name == "cnn":
        net, x = net.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    y = torch.randint(10, (16 * batch,), device=GPU) if loss is F.cross_entropy else torch.rand(16 * batch, 1, device=GPU) if loss else x
    how = {"fused": True, "capturable": True} if optimizer.__name__ == "adam" else {"fused": True}
    return net, x, y, optimizer(net.parameters(), **how), loss or F.mse_loss


def captured(step, x, y):
    """The step as a CUDA graph, on copies of what it is given."""
    x, y = x.clone(), y.clone()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(5):
            step(x, y)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step(x, y)

    def replay(nx, ny):
        x.copy_(nx)
        y.copy_(ny)
        graph.replay()

    return replay


def main():
    name, batch, precision, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    torch.manual_seed(1)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    large = name == "resnet50"
    net, x, y, optimizer, loss = resnet50(batch) if large else small(name, batch)
    model = torch.compile(net, mode="default" if large else "reduce-overhead") if mode == "compiled" else net

    def step(xb, yb):
        optimizer.zero_grad(set_to_none=mode != "graph")
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16"):
            value = loss(model(xb).float(), yb)
        value.backward()
        optimizer.step()

    batches = len(x) // batch
    run = captured(step, x[:batch], y[:batch]) if mode == "graph" else step
    order, done = None, 0

    def several(steps):
        nonlocal order, done
        for _ in range(steps):
            at = done % batches * batch
            if large:
                xb, yb = x[at : at + batch], y[at : at + batch]
            else:
                if at == 0:
                    order = torch.randperm(len(x), device=GPU)
                i = order[at : at + batch]
                xb, yb = x[i], y[i]
            run(xb, yb)
            done += 1
        torch.cuda.synchronize()

    several(10)  # algorithms are chosen, programs compiled
    start = time.perf_counter()
    several(10)
    steps = max(10, int(SECONDS / 8 * 10 / (time.perf_counter() - start)))
    took = []
    for _ in range(8):
        start = time.perf_counter()
        several(steps)
        took.append((time.perf_counter() - start) / steps)
    print(f"{batch / statistics.median(took):.1f}")


main()
