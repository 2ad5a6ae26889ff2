"""A small residual network after He et al. 2016: a plain function with keywords makes it."""

from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, kernel_size, skip):
        super().__init__()
        same = kernel_size // 2
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size, stride, same, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs, momentum=0.05)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size, 1, same, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs, momentum=0.05)
        self.skip = None
        if skip:
            matched = stride == 1 and inputs == outputs
            self.skip = nn.Identity() if matched else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out if self.skip is None else out + self.skip(x))


def resnet(width=8, blocks=1, kernel_size=3, skip=True, num_classes=10):
    stages, inputs = [], width
    for stage in range(3):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            stages.append(Block(inputs, width * 2**stage, stride, kernel_size, skip))
            inputs = width * 2**stage
    stem = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
    return nn.Sequential(stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, num_classes))
