"""Inverted residuals after Sandler et al. 2018 (MobileNetV2), in small."""

from torch import nn


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        inner = inputs * expansion
        self.add = stride == 1 and inputs == outputs
        self.expand = nn.Sequential(nn.Conv2d(inputs, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU6())
        self.depthwise = nn.Sequential(
            nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False),
            nn.BatchNorm2d(inner, momentum=0.01),
            nn.ReLU6(),
        )
        self.project = nn.Sequential(nn.Conv2d(inner, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        out = self.project(self.depthwise(self.expand(x)))
        return x + out if self.add else out


class MobileNet(nn.Module):
    def __init__(self, width_multiplier, expansion, dropout, classes):
        super().__init__()
        widths = [max(4, int(width * width_multiplier)) for width in (16, 24, 32)]
        self.stem = nn.Sequential(nn.Conv2d(3, widths[0], 3, 2, 1), nn.BatchNorm2d(widths[0]), nn.Hardswish())
        self.body = nn.Sequential(
            InvertedResidual(widths[0], widths[0], 1, expansion),
            InvertedResidual(widths[0], widths[1], 2, expansion),
            InvertedResidual(widths[1], widths[2], 2, expansion),
        )
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(widths[2], classes)

    def forward(self, x):
        return self.classifier(self.dropout(self.body(self.stem(x)).mean((2, 3))))


def build(config):
    return MobileNet(config["width_multiplier"], config["expansion"], config["dropout"], classes=5)
