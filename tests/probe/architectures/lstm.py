"""Words in, one of two classes out: an embedding, a long short-term memory, the mean over time."""

from torch import nn


class Reader(nn.Module):
    def __init__(self, embedding_size, hidden_size, num_layers, bidirectional):
        super().__init__()
        self.embedding = nn.Embedding(200, embedding_size)
        self.lstm = nn.LSTM(
            embedding_size,
            hidden_size,
            num_layers,
            batch_first=True,
            dropout=0.3 if num_layers > 1 else 0.0,
            bidirectional=bidirectional,
        )
        self.norm = nn.LayerNorm(hidden_size * (2 if bidirectional else 1))
        self.out = nn.Linear(hidden_size * (2 if bidirectional else 1), 2)
        nn.init.orthogonal_(self.lstm.weight_hh_l0)

    def forward(self, words):
        states, _ = self.lstm(self.embedding(words))
        return self.out(self.norm(states.mean(dim=1)))


def build(config):
    return Reader(
        config["embedding_size"], config["hidden_size"], config.get("num_layers", 2), config.get("bidirectional", False)
    )
