"""The nets of mnist-train, autoencoder-train and lstm-train, for their peers in PyTorch."""
import torch
from torch import nn
from torch.nn import functional as F


class Forecast(nn.Module):
    def __init__(self, hidden, layers):
        super().__init__()
        self.lstm, self.fc = nn.LSTM(8, hidden, layers, batch_first=True), nn.Linear(hidden, 1)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


def dense(*width):
    layers = []
    for i, o in zip(width, width[1:]):
        layers += [nn.Linear(i, o), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def cnn():
    return nn.Sequential(nn.Conv2d(1, 20, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(2450, 500), nn.ReLU(), nn.Linear(500, 10))


def sgd(parameters, **how):
    return torch.optim.SGD(parameters, 0.01, **how)


def adam(parameters, **how):
    return torch.optim.Adam(parameters, 0.001, **how)


# name: net, shape of a sample, samples of a batch, optimizer, loss (None: squares, of the input itself)
ROWS = {
    "ann": (lambda: dense(784, 128, 128, 10), (784,), 128, sgd, F.cross_entropy),
    "cnn": (cnn, (1, 28, 28), 128, adam, F.cross_entropy),
    "autoencoder": (lambda: dense(200, 128, 64, 32, 64, 128, 200), (200,), 1024, adam, None),
    "lstm-128": (lambda: Forecast(128, 1), (64, 8), 64, adam, F.mse_loss),
    "lstm-512": (lambda: Forecast(512, 2), (64, 8), 256, adam, F.mse_loss),
}
