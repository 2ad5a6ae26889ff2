"""An MLP-Mixer after Tolstikhin et al. 2021; the side of the image, 16, must divide by the patch size."""

from torch import nn


class MixerBlock(nn.Module):
    def __init__(self, patches, dim, token_dim, channel_dim, dropout):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.tokens = nn.Sequential(
            nn.Linear(patches, token_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(token_dim, patches)
        )
        self.channels = nn.Sequential(
            nn.Linear(dim, channel_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(channel_dim, dim)
        )

    def forward(self, x):
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class Mixer(nn.Module):
    def __init__(self, patch_size=4, dim=24, depth=2, token_dim=16, channel_dim=32, dropout=0.1):
        super().__init__()
        if 16 % patch_size:
            raise ValueError(f"16 pixels do not divide into patches of {patch_size}")
        self.embed = nn.Conv2d(3, dim, patch_size, stride=patch_size)
        patches = (16 // patch_size) ** 2
        self.blocks = nn.Sequential(*(MixerBlock(patches, dim, token_dim, channel_dim, dropout) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 10)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2)
        return self.head(self.norm(self.blocks(x)).mean(dim=1))


def build(config):
    return Mixer(**config.group("architecture"))
