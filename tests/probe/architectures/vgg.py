"""A small network after Simonyan and Zisserman 2015: pairs of 3 x 3 convolutions, pooling between them."""

from torch import nn


def build(config):
    channels = config.get("channels", 8)
    stages = config.get("stages", 2)
    layers, inputs = [], 3
    for stage in range(stages):
        for _ in range(2):
            layers.append(nn.Conv2d(inputs, channels * 2**stage, kernel_size=3, padding=1))
            if config.get("batch_norm", True):
                layers.append(nn.BatchNorm2d(channels * 2**stage))
            layers.append(nn.ReLU(inplace=True))
            inputs = channels * 2**stage
        layers.append(nn.MaxPool2d(2))
    side = 16 // 2**stages
    net = nn.Sequential(
        *layers,
        nn.Flatten(),
        nn.Linear(inputs * side * side, config.get("hidden", 32)),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(config.get("hidden", 32), 10),
    )
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
    return net
