"""What a first training step imports lazily, done once in the fork server."""

from __future__ import annotations

from truing.execution.seeding import seeded


def warm_torch() -> None:
    """Import what torch imports at its first optimizer, and take throw-away steps on one thread.

    Without it every forked run pays for the import of torch._dynamo, about two seconds. The gradient is written by
    hand: a backward pass would ask each accelerator for its devices, and CUDA must not be touched before a fork.
    """
    try:
        import torch
        import torch._dynamo
    except ImportError:
        return
    torch.set_num_threads(1)
    for kind in (torch.optim.SGD, torch.optim.AdamW):
        weight = torch.nn.Parameter(torch.zeros(2))
        weight.grad = torch.ones(2)
        kind([weight], lr=0.1).step()
    with seeded(0, 1):  # the first seeding looks for every kind of device
        torch.randn(2)
