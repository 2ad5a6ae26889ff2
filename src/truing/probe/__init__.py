"""What a model has to tune: `inspect(build)`. PyTorch is imported only when it is called."""

from truing.probe.found import Inspection
from truing.probe.inspection import inspect

__all__ = ["Inspection", "inspect"]
