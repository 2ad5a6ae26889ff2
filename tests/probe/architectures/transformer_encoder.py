"""A Transformer encoder (Vaswani et al. 2017) over 12 steps of 6 measurements; the width must divide by the heads."""

import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self, d_model, heads, depth):
        super().__init__()
        self.project = nn.Linear(6, d_model)
        self.position = nn.Parameter(torch.zeros(12, d_model))
        layer = nn.TransformerEncoderLayer(d_model, heads, dim_feedforward=2 * d_model, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Linear(d_model, 4)
        nn.init.normal_(self.position, std=0.02)

    def forward(self, x):
        return self.head(self.encoder(self.project(x) + self.position).mean(dim=1))


def build(config):
    return Encoder(d_model=config["d_model"], heads=config["heads"], depth=config["depth"])
