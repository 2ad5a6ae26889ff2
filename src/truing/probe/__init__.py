"""What a model has to tune: `inspect(build)`. PyTorch is imported only when it is called."""

from truing.probe.inspection import Inspection, inspect

__all__ = ["Inspection", "inspect"]
