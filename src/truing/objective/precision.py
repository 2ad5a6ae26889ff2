"""How many bits the numbers of a training's passes have: autocast, and the scaler that float16 needs."""

from __future__ import annotations

from typing import Any

_BEFORE: list[bool] = []  # the switches for tf32 as the first training in this process found them
PRECISIONS = ("float32", "tf32", "bfloat16", "float16")


class Precision:
    """Passes and updates of one training.

    float32 is PyTorch's default, or what was set before the first training. The weights stay float32 in all of
    them, and so does the loss: outputs are made float32 before it. "tf32" lets an NVIDIA GPU round the factors of
    products; that is a switch of the whole process, so each training sets it before its passes, and several may
    alternate.

    Args:
        name: one of PRECISIONS.
        device: a torch device.
    """

    def __init__(self, name: str, device: Any) -> None:
        import torch

        self._kind = device.type
        self._dtype = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(name)
        self._scaler = torch.amp.GradScaler(self._kind) if name == "float16" and self._kind == "cuda" else None
        self._rounds = name == "tf32"
        self._switch()

    def _switch(self) -> None:
        """Whether products may be rounded, as this training has it; elsewhere than on a GPU nothing."""
        import torch

        if self._kind != "cuda":
            return
        switches = torch.backends.cuda.matmul, torch.backends.cudnn
        if not _BEFORE:
            _BEFORE.extend(one.allow_tf32 for one in switches)
        for one, before in zip(switches, _BEFORE, strict=True):
            one.allow_tf32 = True if self._rounds else before

    def outputs(self, net: Any, x: Any) -> Any:
        """What the network gives for x, as float32 where it is less."""
        import torch

        self._switch()
        if self._dtype is None:
            return net(x)
        with torch.autocast(self._kind, dtype=self._dtype):
            out = net(x)
        return out.float() if torch.is_tensor(out) and out.is_floating_point() else out

    def update(self, loss: Any, net: Any, optimizer: Any, clip: float) -> None:
        """Gradients of the loss, limited to the norm `clip` (0 = not limited), and one step."""
        import torch

        self._switch()
        (loss if self._scaler is None else self._scaler.scale(loss)).backward()
        if clip:
            if self._scaler is not None:
                self._scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
        if self._scaler is None:
            optimizer.step()
        else:
            self._scaler.step(optimizer)
            self._scaler.update()


def ordered(x: Any, channels_last: bool) -> Any:
    """Rows of (channels, height, width) in the order that is asked for; any others as they are."""
    import torch

    return x.contiguous(memory_format=torch.channels_last) if channels_last and x.ndim == 4 else x
