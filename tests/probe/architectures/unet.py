"""A U-Net after Ronneberger et al. 2015: down and up again, with the fine detail carried across."""

import torch
from torch import nn


def double(inputs, outputs):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.GroupNorm(2, outputs),
        nn.LeakyReLU(0.1),
        nn.Dropout2d(0.05),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.GroupNorm(2, outputs),
        nn.LeakyReLU(0.1),
    )


class UNet(nn.Module):
    def __init__(self, base, levels, upsample):
        super().__init__()
        widths = [base * 2**level for level in range(levels + 1)]
        self.down = nn.ModuleList(double(a, b) for a, b in zip([1, *widths], widths, strict=False))
        self.pool = nn.MaxPool2d(2)
        ups, joins = [], []
        for wide, narrow in zip(widths[:0:-1], widths[-2::-1], strict=True):
            if upsample == "transposed":
                ups.append(nn.ConvTranspose2d(wide, narrow, 2, stride=2))
            elif upsample == "nearest":
                ups.append(nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(wide, narrow, 1)))
            else:
                raise ValueError(f"unknown upsample {upsample!r}")
            joins.append(double(2 * narrow, narrow))
        self.up, self.join = nn.ModuleList(ups), nn.ModuleList(joins)
        self.head = nn.Conv2d(base, 2, 1)

    def forward(self, x):
        kept = []
        for block in self.down[:-1]:
            kept.append(block(x))
            x = self.pool(kept[-1])
        x = self.down[-1](x)
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([up(x), kept.pop()], dim=1))
        return self.head(x)


def build(config):
    return UNet(config.get("base", 4), config.get("levels", 2), config.get("upsample", "transposed"))
