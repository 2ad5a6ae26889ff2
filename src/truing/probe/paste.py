"""The recommended setting as code: a fixed `runtime` group, and where each part of it is read."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from truing.probe.settings import Setting
from truing.space.parameter import Choice

if TYPE_CHECKING:
    from truing.probe.throughput import Runtime

WIDTH = 80


def parameters(setting: Setting, *, images: bool = True, dataset: bool = False) -> dict[str, Choice]:
    """The group; threads and runs at a time are the study's own settings, and not in it.

    Args:
        images: channels last is a question at all.
        dataset: loading processes are.

    >>> parameters(Setting(precision="bfloat16"), images=False)
    {'precision': Choice(['bfloat16'], group='runtime', role='fixed')}
    """
    found: dict[str, Any] = {"precision": setting.precision}
    if images:
        found["channels_last"] = setting.channels_last
    if dataset:
        found["num_workers"] = setting.num_workers
    return {name: Choice([value], group="runtime", role="fixed") for name, value in found.items()}


def code(found: Runtime) -> str:
    """What to paste below the space."""
    return "\n".join(_lines(found))


def _lines(found: Runtime) -> Iterator[str]:
    setting = found.recommended.setting
    yield from _comment(f"Timed on {found.day} for {found.name}, on {found.machine}.")
    yield "runtime = {"
    for name, parameter in found.group.items():
        value = parameter.options[0]
        shown = f'"{value}"' if isinstance(value, str) else repr(value)
        yield f'    "{name}": tr.Choice([{shown}], group="runtime", role="fixed"),'
    yield "}"
    yield "space = tr.Space({**space, **runtime})"
    yield from _comment(
        f"tr.Study(..., space=space, threads={setting.threads}) and study.run(workers={setting.runs}): so many "
        f"threads for a run, and so many runs at a time."
    )
    yield from _comment("TorchTrainer reads precision and channels_last. In a training function of your own:")
    if setting.channels_last:
        yield "#     net = net.to(memory_format=torch.channels_last)  # batches too:"
        yield "#     x = x.contiguous(memory_format=torch.channels_last)"
    if setting.precision == "tf32":
        yield "#     torch.backends.cuda.matmul.allow_tf32 = True  # and"
        yield "#     torch.backends.cudnn.allow_tf32 = True"
    elif setting.precision != "float32":
        yield f"#     with torch.autocast(torch.device(run.device).type, torch.{setting.precision}):"
        yield "#         out = net(x)"
        yield "#     loss = loss_of(out.float(), y)"
    if setting.precision == "float16":
        yield "#     # and torch.amp.GradScaler around backward() and step()"
    if found.has_loaders:
        yield '#     DataLoader(..., num_workers=run.config["num_workers"])'
    if setting.precision == "float32" and not setting.channels_last and not found.has_loaders:
        yield "#     nothing to do: these are PyTorch's defaults"


def _comment(words: str) -> Iterator[str]:
    yield from textwrap.wrap(
        words, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False, break_long_words=False
    )
