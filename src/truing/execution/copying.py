"""A pickled copy of what the fork server could not find, over the coordinator's own pipe; none is ever stored."""

from __future__ import annotations

import functools
import io
import linecache
import os
import pickle
import sys
import types
from collections.abc import Mapping
from typing import Any

from truing.errors import UsageError
from truing.record.reach import is_users, reached


def copy(parts: Mapping[str, Any]) -> bytes:
    """Pickle the parts; code of the user's own modules travels by value, since the server may not import them.

    Raises:
        UsageError: a part cannot be pickled.
    """
    import cloudpickle

    code = [item for part in parts.values() for item in [*reached(part).code.values(), type(part)] if is_users(item)]
    wanted = {
        name for item in code if (name := getattr(item, "__module__", None)) in sys.modules and name != "__main__"
    }
    mine = wanted - set(cloudpickle.list_registry_pickle_by_value())
    for name in mine:
        cloudpickle.register_pickle_by_value(sys.modules[name])
    try:
        return _dumps((dict(parts), _sources(code)))
    except Exception as error:
        names = " and ".join(parts)
        raise UsageError(
            f"The {names} of this study cannot be copied to the worker processes ({type(error).__name__}: {error}); "
            "define it in a module or a script file, or use workers=0."
        ) from error
    finally:
        for name in mine:
            cloudpickle.unregister_pickle_by_value(sys.modules[name])


def read_copy(content: bytes) -> dict[str, Any]:
    """The parts again, their source at hand for tracebacks."""
    parts, sources = pickle.loads(content)
    for file, lines in sources.items():
        linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
    return dict(parts)


def _dumps(value: Any) -> bytes:
    import cloudpickle

    class Pickler(cloudpickle.Pickler):
        """Which by itself takes a cached function by name, and the name is not there in the server."""

        dispatch_table = cloudpickle.Pickler.dispatch_table.new_child({_CACHED: _without_its_cache})

    buffer = io.BytesIO()
    Pickler(buffer).dump(value)
    return buffer.getvalue()


def _without_its_cache(cached: Any) -> Any:
    if not is_users(cached.__wrapped__):
        return cached.__qualname__
    return _cached_again, (cached.__wrapped__, cached.cache_parameters())


def _cached_again(function: Any, parameters: Mapping[str, Any]) -> Any:
    return functools.lru_cache(**parameters)(function)


_CACHED = type(functools.lru_cache(len))


def _sources(code: list[Any]) -> dict[str, list[str]]:
    """The lines of code that stands in no file, such as a notebook's cell."""
    functions = [item for item in code if isinstance(item, types.FunctionType)]
    functions += [m for item in code if isinstance(item, type) for m in vars(item).values() if _is_function(m)]
    files = {function.__code__.co_filename for function in functions}
    return {file: lines for file in files if not os.path.exists(file) and (lines := linecache.getlines(file))}


def _is_function(item: Any) -> bool:
    return isinstance(item, types.FunctionType)
