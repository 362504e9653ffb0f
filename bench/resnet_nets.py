"""ResNets as torchvision has them: names, order of operations and in-place ReLU, for the peers of resnet50-train."""
import torch
from torch import nn


def convolution(inside, outside, kernel, stride):
    return nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False)


class Basic(nn.Module):
    expansion = 1

    def __init__(self, inside, width, stride):
        super().__init__()
        self.conv1, self.bn1 = convolution(inside, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = convolution(width, width, 3, 1), nn.BatchNorm2d(width)
        self.relu, self.downsample = nn.ReLU(inplace=True), shortcut(inside, width, stride)

    def last_norm(self):
        return self.bn2

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y += self.downsample(x) if self.downsample else x
        return self.relu(y)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inside, width, stride):
        super().__init__()
        self.conv1, self.bn1 = convolution(inside, width, 1, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = convolution(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = convolution(width, 4 * width, 1, 1), nn.BatchNorm2d(4 * width)
        self.relu, self.downsample = nn.ReLU(inplace=True), shortcut(inside, 4 * width, stride)

    def last_norm(self):
        return self.bn3

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(y)))))
        y += self.downsample(x) if self.downsample else x
        return self.relu(y)


def shortcut(inside, outside, stride):
    if stride == 1 and inside == outside:
        return None
    return nn.Sequential(convolution(inside, outside, 1, stride), nn.BatchNorm2d(outside))


class ResNet(nn.Module):
    def __init__(self, block, blocks, width, classes, small):
        super().__init__()
        self.conv1 = convolution(3, width, 3, 1) if small else convolution(3, width, 7, 2)
        self.bn1, self.relu = nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, 2, 1)
        self.stages, inside = len(blocks), width
        for stage, count in enumerate(blocks):
            layer = []
            for i in range(count):
                layer.append(block(inside, width << stage, 2 if stage > 0 and i == 0 else 1))
                inside = block.expansion * (width << stage)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layer))
        self.fc = nn.Linear(inside, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def zero_last_norms(self):
        for m in self.modules():
            if isinstance(m, (Basic, Bottleneck)):
                nn.init.zeros_(m.last_norm().weight)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(torch.mean(x, (2, 3)))


MODELS = {
    "resnet18": (Basic, (2, 2, 2, 2), 64, False),
    "resnet34": (Basic, (3, 4, 6, 3), 64, False),
    "resnet50": (Bottleneck, (3, 4, 6, 3), 64, False),
    "resnet20": (Basic, (3, 3, 3), 16, True),
    "resnet32": (Basic, (5, 5, 5), 16, True),
}


def make(name, classes):
    block, blocks, width, small = MODELS[name]
    return ResNet(block, blocks, width, classes, small)
