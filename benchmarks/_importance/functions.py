"""Twenty functions whose shares of variance follow from integrals over one parameter at a time.

Each is a sum of products of functions of one parameter. Under independent parameters, the variance of the part of a set
u of parameters is then, over all pairs of terms, the sum of c_t c_s times the product over u of the covariances of
their factors and over the others of the product of their means (Sobol' 1993). Means and covariances are sums over
20,000 midpoints of the parameter's own scale, or over its options. The functions were
fixed before the method was run on them, but for Ishigami's, on which its first draft was tried.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

import truing as tr

POINTS = 20_000
Factor = Callable[[Any], float]


@dataclass(frozen=True)
class Known:
    """A function with its space, and the standard deviation of the noise over that of the function.

    Args:
        terms: (coefficient, {parameter: function of its value}); a conditional parameter's factor counts only where it
            is active.
    """

    name: str
    space: tr.Space
    terms: Sequence[tuple[float, Mapping[str, Factor]]]
    noise: float = 0.0
    truth: tuple[dict[str, float], dict[tuple[str, str], float]] = field(init=False, compare=False)
    scale: float = field(init=False, compare=False)

    def __post_init__(self) -> None:
        main, pair, total = shares(self.space, self.terms)
        object.__setattr__(self, "truth", (main, pair))
        object.__setattr__(self, "scale", math.sqrt(total))

    def exact(self, config: Mapping[str, Any]) -> float:
        """The function without noise."""
        value = 0.0
        for coefficient, factors in self.terms:
            if all(name in config for name in factors):
                value += coefficient * math.prod(f(config[name]) for name, f in factors.items())
        return value

    def drawn(self, trials: int, rng: np.random.Generator) -> tuple[list[Mapping[str, Any]], np.ndarray]:
        """Random configurations and their noisy scores."""
        configs = [self.space.sample(rng) for _ in range(trials)]
        exact = np.array([self.exact(config) for config in configs])
        return configs, exact + self.noise * self.scale * rng.normal(size=trials)


def shares(
    space: tr.Space, terms: Sequence[tuple[float, Mapping[str, Factor]]]
) -> tuple[dict[str, float], dict[tuple[str, str], float], float]:
    """Share of each parameter and of every two, and the whole variance.

    A conditional parameter appears in terms with mean zero over its own scale, which this checks, so that its part is
    its variance where active times how often it is; the factor of being active is the parent's value.
    """
    names, points = list(space), {}
    for name in names:
        scale = space.scale(name)
        points[name] = [scale.value((k + 0.5) / POINTS) for k in range(POINTS)]
    values: dict[tuple[int, str], np.ndarray] = {}
    for number, (_, factors) in enumerate(terms):
        for name in names:
            one = factors.get(name)
            values[number, name] = np.ones(POINTS) if one is None else np.array([one(v) for v in points[name]])
            if one is not None and space[name].when and abs(values[number, name].mean()) > 1e-6:
                raise ValueError(f"{name} is conditional, so its factors need mean zero")
    reach = {
        name: math.prod(
            float(np.mean([v in allowed for v in points[parent]]))
            for parent, allowed in (space[name].when or {}).items()
        )
        for name in names
    }
    mean = {key: float(v.mean()) for key, v in values.items()}

    def part(chosen: tuple[str, ...]) -> float:
        found = 0.0
        for t, (c_t, f_t) in enumerate(terms):
            for s, (c_s, f_s) in enumerate(terms):
                one = c_t * c_s
                for name in names:
                    if name in chosen:
                        one *= float(np.mean(values[t, name] * values[s, name])) - mean[t, name] * mean[s, name]
                    else:
                        one *= mean[t, name] * mean[s, name]
                    if one == 0.0:
                        break
                if one:
                    found += one * math.prod(reach[n] for n in set(f_t) | set(f_s) if space[n].when)
        return found

    main = {name: part((name,)) for name in names}
    pair = {two: part(two) for two in combinations(names, 2)}
    varied = [name for name in names if any(name in factors for _, factors in terms)]
    rest = sum(part(some) for size in range(3, len(varied) + 1) for some in combinations(varied, size))
    total = sum(main.values()) + sum(pair.values()) + rest
    return {n: v / total for n, v in main.items()}, {n: v / total for n, v in pair.items()}, total


def _unit(number: int) -> dict[str, Any]:
    return {f"x{k + 1}": tr.Float(0, 1) for k in range(number)}


def _ishigami(extra: int = 0) -> tuple[tr.Space, list[tuple[float, dict[str, Factor]]]]:
    angles = {f"x{k + 1}": tr.Float(-math.pi, math.pi) for k in range(3 + extra)}
    return tr.Space(angles), [
        (1.0, {"x1": math.sin}),
        (7.0, {"x2": lambda v: math.sin(v) ** 2}),
        (0.1, {"x1": math.sin, "x3": lambda v: v**4}),
    ]


def _g(weights: Sequence[float]) -> tuple[tr.Space, list[tuple[float, dict[str, Factor]]]]:
    """Sobol's g: the product of (|4x - 2| + a) / (1 + a)."""
    factors = {f"x{k + 1}": (lambda v, a=a: (abs(4 * v - 2) + a) / (1 + a)) for k, a in enumerate(weights)}
    return tr.Space(_unit(len(weights))), [(1.0, factors)]


def _is(option: Any) -> Factor:
    return lambda value: float(value == option)


def _log(value: float) -> float:
    return math.log10(value)


def functions() -> list[Known]:
    """All twenty."""
    rate = tr.Float(1e-5, 1e-1, log=True)
    decay = tr.Float(1e-6, 1e-2, log=True)
    optimizer = tr.Choice(["sgd", "adam", "rmsprop"])
    momentum = tr.Float(0.0, 1.0, when={"optimizer": "sgd"})
    line: Factor = lambda v: v - 0.5  # noqa: E731
    bowl: Factor = lambda v: (_log(v) + 2.5) ** 2  # noqa: E731
    found = [
        Known("ishigami", *_ishigami()),
        Known("ishigami, three idle, noise", *_ishigami(3), noise=0.3),
        Known("g of six", *_g([0, 1, 4.5, 9, 99, 99])),
        Known("g of four, mild", *_g([1, 2, 3, 4]), noise=0.2),
        Known(
            "additive lines",
            tr.Space(_unit(6)),
            [(c, {f"x{k + 1}": line}) for k, c in enumerate([5, 3, 2, 1, 0.5, 0])],
            noise=0.2,
        ),
        Known(
            "additive curves",
            tr.Space(_unit(5)),
            [
                (4, {"x1": lambda v: (v - 0.3) ** 2}),
                (1, {"x2": lambda v: math.exp(-3 * v)}),
                (0.3, {"x3": lambda v: math.sin(6 * v)}),
                (0.2, {"x4": line}),
            ],
            noise=0.3,
        ),
        Known(
            "one pair",
            tr.Space(_unit(4)),
            [(1, {"x1": lambda v: v, "x2": lambda v: v}), (0.3, {"x3": line})],
            noise=0.2,
        ),
        Known(
            "a pair and nothing of its own",
            tr.Space(_unit(5)),
            [(4, {"x1": line, "x2": line}), (1.5, {"x3": line}), (0.5, {"x4": line})],
            noise=0.2,
        ),
        Known(
            "rate and decay",
            tr.Space(rate=rate, decay=decay, dropout=tr.Float(0, 0.6), width=tr.Int(16, 256, log=True)),
            [(1, {"rate": bowl}), (0.5, {"decay": _log}), (2, {"dropout": lambda v: v}), (-1, {"width": _log})],
            noise=0.2,
        ),
        Known(
            "rate in much noise",
            tr.Space(rate=rate, decay=decay, dropout=tr.Float(0, 0.6), width=tr.Int(16, 256, log=True)),
            [(1, {"rate": bowl}), (2, {"dropout": lambda v: v}), (-1.5, {"width": _log})],
            noise=0.8,
        ),
        Known(
            "choices",
            tr.Space(
                optimizer=optimizer,
                activation=tr.Choice(["relu", "gelu", "tanh", "elu"]),
                rate=rate,
                flag=tr.Choice([0, 1]),
            ),
            [
                (2.0, {"optimizer": _is("sgd")}),
                (1.0, {"activation": _is("tanh")}),
                (0.4, {"activation": _is("elu")}),
                (0.35, {"rate": _log}),
            ],
            noise=0.3,
        ),
        Known(
            "a choice turns a slope",
            tr.Space(optimizer=optimizer, rate=rate, width=tr.Float(0, 1)),
            [
                (
                    1.0,
                    {
                        "rate": lambda v: _log(v) + 3,
                        "optimizer": lambda o: {"sgd": 1.0, "adam": -0.6, "rmsprop": 0.2}[o],
                    },
                ),
                (0.8, {"optimizer": _is("adam")}),
                (0.8, {"width": lambda v: v}),
            ],
            noise=0.2,
        ),
        Known(
            "whole numbers",
            tr.Space(layers=tr.Int(1, 6), units=tr.Int(8, 512, log=True), kernel=tr.Choice([1, 3, 5, 7], ordered=True)),
            [(1, {"layers": lambda v: (v - 3) ** 2 / 4}), (1.2, {"units": _log}), (0.2, {"kernel": lambda v: v})],
            noise=0.2,
        ),
        Known(
            "momentum where sgd",
            tr.Space(optimizer=optimizer, momentum=momentum, rate=rate),
            [
                (1.0, {"optimizer": _is("adam")}),
                (4.0, {"momentum": line}),
                (0.3, {"rate": lambda v: _log(v) + 3}),
            ],
            noise=0.2,
        ),
        Known(
            "an idle conditional",
            tr.Space(optimizer=optimizer, momentum=momentum, rate=rate),
            [(1.0, {"optimizer": _is("sgd")}), (0.35, {"rate": lambda v: _log(v) + 3})],
            noise=0.2,
        ),
        Known(
            "a quarter of noise",
            tr.Space(_unit(6)),
            [
                (2, {"x1": lambda v: math.sin(5 * v)}),
                (1.5, {"x2": line}),
                (4, {"x1": line, "x3": line}),
                (1, {"x4": line}),
            ],
            noise=0.5,
        ),
        Known(
            "three of twelve",
            tr.Space(_unit(12)),
            [
                (3, {"x2": line}),
                (4, {"x5": lambda v: (v - 0.5) ** 2}),
                (1.5, {"x9": line}),
                (4, {"x2": line, "x5": line}),
            ],
            noise=0.3,
        ),
        Known(
            "a cliff",
            tr.Space(rate=rate, decay=decay, dropout=tr.Float(0, 0.6)),
            [
                (1.0, {"rate": lambda v: float(v > 10**-1.8)}),
                (-0.15, {"rate": _log}),
                (0.8, {"dropout": lambda v: v}),
                (0.6, {"rate": lambda v: float(v > 10**-1.8), "dropout": lambda v: v}),
            ],
            noise=0.1,
        ),
        Known(
            "products of one, two, three ...",
            tr.Space(_unit(6)),
            [((-1) ** k, {f"x{j + 1}": (lambda v: v) for j in range(k)}) for k in range(1, 7)],  # Bratley 1992
            noise=0.1,
        ),
        Known(
            "three together",
            tr.Space(_unit(4)),
            [(12, {"x1": line, "x2": line, "x3": line}), (1.6, {"x1": line}), (1.0, {"x2": line}), (0.5, {"x4": line})],
            noise=0.2,
        ),
    ]
    return found
