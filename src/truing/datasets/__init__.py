"""Real data that comes with scikit-learn, as `Data`: for first steps, examples and the demo. No download."""

from truing.datasets.bundled import breast_cancer, diabetes, digits

__all__ = ["breast_cancer", "diabetes", "digits"]
