"""The advice as an object: five answers with their figures, and a text."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from truing.worth.ran import NO, UNCLEAR, WORSE, YES

WIDTH = 80
BASE_RATE, NOISE, ONE_BATCH, MORE_ROWS, MORE_EPOCHS = "base_rate", "noise", "one_batch", "more_rows", "more_epochs"
_TITLES = {
    BASE_RATE: "Signal",
    NOISE: "Noise",
    ONE_BATCH: "One batch",
    MORE_ROWS: "More data",
    MORE_EPOCHS: "Longer training",
}
ASKS = {
    BASE_RATE: "do the defaults beat a prediction that does not look?",
    NOISE: "what do seeds and splits alone change, and which gain can be told from that?",
    ONE_BATCH: "can the model learn a few rows by heart?",
    MORE_ROWS: "score at 25, 50 and 100 % of the training rows",
    MORE_EPOCHS: "score at half, once and twice the epochs",
}


@dataclass(frozen=True)
class Answer:
    """One question, what was measured, and one plain sentence.

    Args:
        question: "base_rate", "noise", "one_batch", "more_rows" or "more_epochs".
        answer: "yes", "no", "worse", "unclear" (it cannot be told) or "not asked".
        sentence: the answer in words.
        points: what was measured, in order: dicts of what, value, and low, high, x where they apply.
        figures: all else, such as the gain with its interval and method.
        reason: why it was not asked, or cannot be told.
    """

    question: str
    answer: str
    sentence: str
    points: Sequence[Mapping[str, Any]] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True)
class Advice:
    """Is tuning worth it, and does the model want more data or longer training? `print` it.

    Args:
        name: of the study.
        metric, goal: what it is judged by.
        protocol: the study's validation, in words.
        headline: the whole in a sentence.
        answers: one a question.
        runs: of the defaults, that this rests on.
        seconds: of training.
        quick: made with fewer runs.

    >>> answers = tuple(Answer(question, "yes", "It does.") for question in ASKS)
    >>> advice = Advice("digits", "accuracy", "max", "5-fold", "Yes.", answers, runs=24, seconds=60.0)
    >>> advice
    Advice('Yes.')
    >>> advice["noise"].answer
    'yes'
    """

    name: str
    metric: str
    goal: str
    protocol: str
    headline: str
    answers: tuple[Answer, ...]
    runs: int
    seconds: float
    quick: bool = False

    def __getitem__(self, question: str) -> Answer:
        """The answer to "base_rate", "noise", "one_batch", "more_rows" or "more_epochs"."""
        found = {one.question: one for one in self.answers}
        if question not in found:
            raise KeyError(f"There is no question {question!r}; the questions are {', '.join(found)}.")
        return found[question]

    def table(self) -> list[dict[str, Any]]:
        """A dict for every figure that was measured: question, answer, what, value, low, high."""
        empty = {"what": None, "value": None, "low": None, "high": None}
        return [
            {"question": one.question, "answer": one.answer} | {key: point.get(key) for key in empty}
            for one in self.answers
            for point in (one.points or (empty,))
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        found = asdict(self)
        found["answers"] = [asdict(one) | {"points": [dict(point) for point in one.points]} for one in self.answers]
        return found

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Advice:
        """Of what `to_dict` gave; what else is in it is left out."""
        answers = tuple(
            Answer(**{key: one.get(key) for key in ("question", "answer", "sentence", "points", "figures", "reason")})
            for one in given["answers"]
        )
        names = ("name", "metric", "goal", "protocol", "headline", "runs", "seconds", "quick")
        return cls(answers=answers, **{name: given[name] for name in names})

    @property
    def text(self) -> str:
        """For a terminal of 80 columns."""
        title = f"Is tuning worth it? The defaults of {self.name}: {self.runs} runs, {self.metric}, {self.protocol}"
        lines = [*textwrap.wrap(title, WIDTH), "", *textwrap.wrap(self.headline, WIDTH), ""]
        wide = max(len(title) for title in _TITLES.values()) + 2
        for one in self.answers:
            told = textwrap.wrap(one.sentence, WIDTH - wide, break_on_hyphens=False)
            lines.append(f"{_TITLES[one.question]:<{wide}}{told[0] if told else ''}".rstrip())
            lines += [" " * wide + line for line in told[1:]]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Advice({self.headline!r})"

    def _repr_html_(self) -> str:
        style = "color: inherit; background: transparent; line-height: 1.35; overflow-x: auto"
        return f'<pre style="{style}">{html.escape(self.text)}</pre>'


def title_of(question: str) -> str:
    """What a question is headed by.

    >>> title_of("more_rows")
    'More data'
    """
    return _TITLES.get(question, question)


def headline(answers: Sequence[Answer]) -> str:
    """All of it in a sentence: a fault first, then whether there is anything to tune, then what else would help."""
    found = {one.question: one for one in answers}
    one_batch, base, noise = (found[key].answer for key in (ONE_BATCH, BASE_RATE, NOISE))
    if base in (NO, WORSE):
        return "Not yet: the defaults do no better than a prediction that does not look, so look for a fault first."
    if one_batch == NO and base != YES:
        return "Not yet: the defaults cannot learn a few rows by heart, so look for a fault first."
    if one_batch == NO:
        return (
            "Not yet: the defaults beat a prediction that does not look, but cannot learn a few rows by heart; find "
            "out first whether that is a fault, or a model that is too small or held back on purpose."
        )
    wants = [
        what for key, what in ((MORE_ROWS, "more data"), (MORE_EPOCHS, "longer training")) if found[key].answer == YES
    ]
    also = f" {' and '.join(wants).capitalize()} alone would probably help." if wants else ""
    if noise == NO:
        if found[NOISE].figures.get("left") == 0:
            return f"Hardly: nothing is left to gain.{also}"
        return f"Hardly: what is left to gain is less than this plan can tell from luck.{also}"
    if base == UNCLEAR:
        return f"Not yet: whether the defaults have learned anything cannot be told.{also}"
    if base == YES and noise == YES:
        return f"Yes: the defaults have learned something, and there is room above the noise.{also}"
    if base == YES:
        return f"Perhaps: the defaults have learned something; which gain can be told from luck is not known.{also}"
    return f"Nothing speaks against it, but not every question could be asked.{also}"
