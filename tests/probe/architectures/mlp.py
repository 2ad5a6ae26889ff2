"""A multilayer perceptron for 20 measurements and 3 classes."""

from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}


def build(config):
    layers = []
    inputs = 20
    for _ in range(config["layers"]):
        layers.append(nn.Linear(inputs, config["width"]))
        layers.append(nn.BatchNorm1d(config["width"]))
        layers.append(ACTIVATIONS[config.get("activation", "relu")]())
        if config.get("dropout", 0.2) > 0:
            layers.append(nn.Dropout(config.get("dropout", 0.2)))
        inputs = config["width"]
    return nn.Sequential(*layers, nn.Linear(inputs, 3))
