"""Does the model want more data, or longer training? Scores at shares of the rows and of the epochs, paired."""

from __future__ import annotations

from typing import Any

from truing.statistics.interval import Interval
from truing.verdict.wording import capital
from truing.worth.advice import MORE_EPOCHS, MORE_ROWS, Answer
from truing.worth.layout import BASE, HALF, LONG, QUARTER, SHORT
from truing.worth.ran import NO, NOT_ASKED, UNCLEAR, WORSE, YES, Ran
from truing.worth.words import interval_dict, moved, values

ODD = 9  # epochs from which on the half of an odd number is near enough


def rows_answer(found: Ran) -> Answer:
    """At 25, 50 and 100 % of the training rows: nested, the same validation rows and seeds.

    With the epochs as they are, half the rows make half the steps. So the gain from 50 to 100 % is looked at once more
    with as many steps: all rows for half the epochs against half the rows for all of them.
    """
    why = found.layout.why_not.get(QUARTER)
    if why is not None:
        return Answer(MORE_ROWS, NOT_ASKED, f"Not asked: {why}.", reason=why)
    failed = found.failure(QUARTER, HALF, BASE)
    if failed is not None:
        return Answer(MORE_ROWS, UNCLEAR, f"It cannot be told: {failed}.", reason=failed)
    metric, number = found.metric, len(found.runs[HALF])
    parts = ((25, QUARTER), (50, HALF), (100, BASE))
    points = [_point(f"{share} % of the training rows", found.mean(part, number), share) for share, part in parts]
    line = capital(values(metric, [(f"{x} %", found.mean(part, number)) for x, part in parts])) + " of the rows"
    gain = found.gain(BASE, HALF)
    equal = _equal_steps(found)
    answer = found.answer(gain)
    mean = found.mean(BASE, number)
    gained = moved(metric, gain, mean)
    if answer == YES and equal is not None and found.answer(equal) != YES:
        answer = UNCLEAR
        text = (
            f"From 50 to 100 % it got {gained}, but as far as {number} splits can tell through the "
            f"additional steps: with as many steps it is {moved(metric, equal, mean)}. Train longer first, then ask "
            "again."
        )
    elif answer == YES:
        steps = f"; with as many steps it is {moved(metric, equal, mean)}" if equal is not None else ""
        steps = steps or ("" if found.layout.epochs == 1 else ", the additional steps included")
        text = f"More data would probably help: from 50 to 100 % it got {gained}{steps}."
    else:
        text = _plain(answer, "more data would help", f"from 50 to 100 % it got {gained}", number, found)
    before = interval_dict(found.gain(HALF, QUARTER))
    figures = {
        "gain": interval_dict(gain),
        "from_quarter": before,
        "equal_steps": interval_dict(equal) if equal is not None else None,
    }
    return Answer(MORE_ROWS, answer, f"{line}. {text}", points, figures, gain.reason)


def epochs_answer(found: Ran) -> Answer:
    """At half, once and twice the epochs, on the same rows and seeds, each with its schedule to its own end."""
    epochs, metric = found.layout.epochs, found.metric
    why_short, why_long = (found.layout.why_not.get(part) for part in (SHORT, LONG))
    if epochs is None or (why_short is not None and why_long is not None):
        why = why_short if why_short == why_long or why_long is None else f"{why_short}, and {why_long}"
        return Answer(MORE_EPOCHS, NOT_ASKED, f"Not asked: {why}.", reason=why)
    runs = {SHORT: epochs // 2, BASE: epochs, LONG: 2 * epochs}
    if why_long is None and not _went_on(found, 2 * epochs):
        why_long = f"the function stops itself after fewer than {2 * epochs} epochs, whatever the study asks for"
    here = [part for part, why in ((SHORT, why_short), (BASE, None), (LONG, why_long)) if why is None]
    failed = found.failure(*here)
    if failed is not None:
        return Answer(MORE_EPOCHS, UNCLEAR, f"It cannot be told: {failed}.", reason=failed)
    number = min(len(found.runs[part]) for part in here)
    points = [_point(f"{runs[part]} epochs", found.mean(part, number), runs[part]) for part in here]
    line = capital(values(metric, [(f"{runs[part]}", found.mean(part, number)) for part in here])) + " epochs"
    short = found.gain(BASE, SHORT) if SHORT in here else None
    figures: dict[str, Any] = {"from_half": interval_dict(short) if short is not None else None, "gain": None}
    start = f"{line}."
    if LONG not in here:
        text = _of_half(found, short, runs) + f" Twice the epochs could not be run: {why_long}."
        return Answer(MORE_EPOCHS, UNCLEAR, f"{start} {text}", points, figures, why_long)
    gain, mean = found.gain(LONG, BASE), found.mean(BASE, number)
    figures["gain"], answer = interval_dict(gain), found.answer(gain)
    many = len(found.runs[LONG])
    told = f"twice the epochs are {moved(metric, gain, mean)}"
    if answer == YES:
        text = f"Longer training would probably help: {told}."
    else:
        text = _plain(answer, "longer training would help", told, many, found)
    if answer == WORSE:
        text += " The defaults train too long, or with too little against overfitting."
    if answer != YES and short is not None and found.answer(short) in (NO, WORSE):
        text += f" Half the epochs ({runs[SHORT]}) do as well."
    return Answer(MORE_EPOCHS, answer, f"{start} {text}", points, figures, gain.reason)


def _plain(answer: str, claim: str, told: str, number: int, found: Ran) -> str:
    """The sentence of an answer that is no yes."""
    if answer == WORSE:
        return f"No: {told}."
    if answer == NO:
        return f"No sign that {claim}: {told}."
    of = "splits" if found.layout.splits > 1 else "seeds"
    return f"It cannot be told with {number} {of} whether {claim}: {told}."


def _of_half(found: Ran, short: Interval | None, runs: dict[str, int]) -> str:
    if short is None:
        return ""
    told = f"from {runs[SHORT]} to {runs[BASE]} it got {moved(found.metric, short, found.mean(BASE))}"
    answer = found.answer(short)
    if answer == YES:
        return f"It still gained in the second half: {told}."
    if answer in (NO, WORSE):
        return f"Nothing was gained in the second half: {told}."
    return f"Whether the second half gained anything cannot be told: {told}."


def _equal_steps(found: Ran) -> Interval | None:
    """All rows for half the epochs against half the rows for all of them: as many steps, more rows."""
    epochs = found.layout.epochs or 1
    if SHORT not in found.runs or found.failure(SHORT) is not None or (epochs % 2 and epochs < ODD):
        return None
    return found.gain(SHORT, HALF)


def _went_on(found: Ran, epochs: int) -> bool:
    """Whether the runs that were asked for more epochs made them."""
    asked = [run.details.get("asked_epochs") for run in found.runs.get(LONG, ()) if run is not None]
    return all(one is None or one >= epochs for one in asked)


def _point(what: str, value: float | None, x: float) -> dict[str, Any]:
    return {"what": what, "value": value, "x": x}
