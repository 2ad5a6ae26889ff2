"""Functions and tables whose shares are known, and the evaluators that are compared on them."""
