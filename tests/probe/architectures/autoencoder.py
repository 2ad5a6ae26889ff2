"""64 pixels through a bottleneck and back."""

from torch import nn


class Autoencoder(nn.Module):
    def __init__(self, latent: int = 8, hidden: int = 32, noise: float = 0.1, tied: bool = False):
        super().__init__()
        self.corrupt = nn.Dropout(noise)
        self.encoder = nn.Sequential(nn.Linear(64, hidden), nn.ELU(alpha=1.0), nn.Linear(hidden, latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ELU(alpha=1.0), nn.Linear(hidden, 64), nn.Sigmoid())
        if tied:
            self.decoder[0].weight = nn.Parameter(self.encoder[2].weight.detach().T.clone())

    def forward(self, x):
        return self.decoder(self.encoder(self.corrupt(x)))
