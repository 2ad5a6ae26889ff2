"""A mistyped keyword is answered with the nearest name, and the signature stays what it is."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from truing.errors import ArgumentError

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def spelled(called: str, *, elsewhere: Mapping[str, str] | None = None, advice: str = "") -> Callable[[F], F]:
    """Decorate a function or method: a call that does not fit its signature raises one sentence.

    Editors, `help()` and `inspect.signature` see the function's own signature.

    Args:
        called: what the sentence calls it, such as "Study".
        elsewhere: arguments of other calls that are given here by mistake, with the call, such as "run".
        advice: the end of the sentence: how such a call is written, or where what is given by mistake belongs.

    >>> @spelled("fit")
    ... def fit(rows, *, epochs=1):
    ...     return epochs
    >>> fit([], epohcs=3)
    Traceback (most recent call last):
    truing.errors.ArgumentError: fit() has no argument 'epohcs'; did you mean epochs=?
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        names = [name for name in signature.parameters if name != "self"]
        kinds = {parameter.kind for parameter in signature.parameters.values()}
        any_name = inspect.Parameter.VAR_KEYWORD in kinds
        takes = f"it takes {', '.join(names)}" if names else "it takes no arguments"
        takes += f"{advice}."

        @functools.wraps(function)
        def checked(*args: Any, **named: Any) -> Any:
            unknown = [] if any_name else [name for name in named if name not in names]
            if unknown:
                if call := (elsewhere or {}).get(unknown[0]):
                    raise ArgumentError(
                        f"{called}() has no argument {unknown[0]!r}: {unknown[0]}= belongs to "
                        f"{call}({unknown[0]}={named[unknown[0]]!r})."
                    )
                near = difflib.get_close_matches(unknown[0], names, 1)
                hint = f"did you mean {near[0]}=?" if near else takes
                raise ArgumentError(f"{called}() has no argument {unknown[0]!r}; {hint}")
            try:
                signature.bind(*args, **named)
            except TypeError as error:
                raise ArgumentError(f"{called}(): {error}; {takes}") from None
            return function(*args, **named)

        return cast("F", checked)

    return decorate


def spelled_class(advice: str = "") -> Callable[[type[T]], type[T]]:
    """Decorate a class above `@dataclass`: making one by a call that does not fit raises one sentence.

    >>> from dataclasses import dataclass
    >>> @spelled_class(", as in Point(1, 2)")
    ... @dataclass
    ... class Point:
    ...     x: int
    ...     y: int
    >>> Point(1)
    Traceback (most recent call last):
    truing.errors.ArgumentError: Point(): missing a required argument: 'y'; it takes x, y, as in Point(1, 2).
    """

    def decorate(kind: type[T]) -> type[T]:
        kind.__init__ = spelled(kind.__name__, advice=advice)(kind.__init__)  # type: ignore[method-assign]
        return kind

    return decorate
