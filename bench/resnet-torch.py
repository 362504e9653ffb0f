#!/usr/bin/env python3
"""Images/s and peak memory of training ResNet-50 in PyTorch, for bench/resnet-peers.sh: 224 x 224, 1000 classes, channels last,
SGD with momentum, two batches that lie in memory. 1 process of 2 threads, or 2 of one thread with DistributedDataParallel over gloo.
usage: resnet-torch.py BATCH [bf16] [ddp]     BATCH: images of all processes. Prints images/s, and MB of all processes"""
import os
import resource
import statistics
import sys
import tempfile
import time

import torch
from resnet_nets import make
from torch import distributed
from torch.nn import functional as F

SECONDS = float(os.environ.get("BENCH_SECONDS", "12"))
WARM = 2  # steps


def train(batch, half, threads, ranks):
    """Median images/s of all ranks."""
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    net = make("resnet50", 1000).to(memory_format=torch.channels_last)
    model = torch.nn.parallel.DistributedDataParallel(net, gradient_as_bucket_view=True) if ranks > 1 else net
    optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9, weight_decay=5e-5)
    data = [(torch.randn(batch // ranks, 3, 224, 224).contiguous(memory_format=torch.channels_last),
             torch.randint(1000, (batch // ranks,))) for _ in range(2)]
    took = []
    # all ranks take the same number of steps: by those of the first ones
    steps = 3
    while len(took) < WARM + steps:
        x, y = data[len(took) % 2]
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=ranks == 1)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            out = model(x)
        loss = F.cross_entropy(out.float(), y)
        loss.backward()
        optimizer.step()
        loss.item()
        took.append(time.perf_counter() - start)
        if len(took) == WARM:
            slow = torch.tensor(took[-1])
            if ranks > 1:
                distributed.all_reduce(slow, distributed.ReduceOp.MAX)
            steps = max(3, int(SECONDS / slow.item()))
    return batch / statistics.median(took[WARM:])


def run(rank, ranks, batch, half, out):
    if ranks > 1:
        distributed.init_process_group("gloo", init_method=f"file://{out}/meet", rank=rank, world_size=ranks)
    rate = train(batch, half, 2 // ranks, ranks)
    if ranks > 1:
        distributed.destroy_process_group()
    with open(f"{out}/{rank}", "w") as f:
        f.write(f"{rate} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6}")


def main():
    batch, half, ranks = int(sys.argv[1]), "bf16" in sys.argv[2:], 2 if "ddp" in sys.argv[2:] else 1
    with tempfile.TemporaryDirectory() as out:
        if ranks > 1:
            torch.multiprocessing.spawn(run, (ranks, batch, half, out), ranks)
        else:
            run(0, 1, batch, half, out)
        told = [[float(word) for word in open(f"{out}/{rank}").read().split()] for rank in range(ranks)]
    print(f"{min(t[0] for t in told):.2f} {sum(t[1] for t in told):.0f}")


if __name__ == "__main__":
    main()
