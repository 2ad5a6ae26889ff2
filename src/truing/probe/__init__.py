"""A model before it is tuned: what there is to tune, how to run it, which learning rates. PyTorch comes when called."""

from truing.probe.found import Inspection
from truing.probe.inspection import inspect
from truing.probe.learning_rates import RangeTest, range_test
from truing.probe.throughput import Runtime, runtime

__all__ = ["Inspection", "RangeTest", "Runtime", "inspect", "range_test", "runtime"]
