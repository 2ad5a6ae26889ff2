"""LeNet-5 after LeCun et al. 1998, as many people write it down: a module class, no configuration."""

import torch
from torch import nn
from torch.nn import functional as F


class LeNet(nn.Module):
    def __init__(self, channels=6, hidden=120, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 5, padding=2)
        self.conv2 = nn.Conv2d(channels, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, hidden)
        self.fc2 = nn.Linear(hidden, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x):
        x = F.avg_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.avg_pool2d(torch.tanh(self.conv2(x)), 2)
        x = F.dropout(x.flatten(1), 0.25, training=self.training)
        x = torch.tanh(self.fc2(torch.tanh(self.fc1(x))))
        return self.fc3(x)
