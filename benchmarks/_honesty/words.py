"""The figures of honesty as a table and in a line, and whether each is what was promised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from _honesty.figures import BANDS

BEGIN, END = "<!-- honesty: begin -->", "<!-- honesty: end -->"
Figures = Mapping[str, Any]
PLACES = ("all", *BANDS, "signal-free", "placebo", "with groups", "adaptive")
BIASES = {
    "corrected figure (`validation.selected`)": "bias",
    "corrected figure, less the luck of the rows": "bias_less_luck",
    "fresh runs alone, not corrected for the choice": "bias_fresh",
    "difference to the defaults, the same correction": "bias_difference",
    "control that fails: best observed": "bias_best_observed",
    "what the search saw of the selected": "bias_as_searched",
    "other correction: BBC-CV": "bias_bbc_cv",
    "BBC-CV, less the luck of the rows": "bias_bbc_cv_less_luck",
    "control that holds: the defaults in the search": "luck_of_rows",
    "mean of the refits on the locked rows": "bias_locked",
}
COVERAGES = {
    "locked test, delivered network": "coverage_delivered",
    "difference to the defaults, fresh runs": "coverage_difference",
    "difference to the defaults, locked rows and seeds": "coverage_locked_difference",
    "the same by the corrected t, not corrected for the choice": "coverage_corrected_t",
    "range beside the corrected figure": "coverage_own",
    "range of BBC-CV": "coverage_bbc_cv",
}
WIDTHS = {
    "coverage_delivered": "delivered",
    "coverage_difference": "difference",
    "coverage_locked_difference": "locked_difference",
    "coverage_corrected_t": "corrected_t",
    "coverage_own": "own",
}
HELD = ("coverage_delivered", "coverage_difference", "coverage_locked_difference")
OVERALL, IN_A_BAND, SITE = 0.93, 0.90, 0.90


def reached(figures: Figures) -> dict[str, bool]:
    """Row of the promises -> whether it is kept."""

    def covered(name: str) -> bool:
        own = figures[name]
        bands = [own[band]["value"] for band in BANDS if own[band]]
        return bool(own["all"]) and own["all"]["value"] >= OVERALL and min(bands, default=0.0) >= IN_A_BAND

    regret, false, site = (
        figures["regret"]["difference"],
        figures["claims_without_gain"]["all"],
        figures["coverage_site"],
    )
    return {
        "bias": bool(figures["bias"]["all"]) and abs(figures["bias"]["all"]["value"]) <= 0.005,
        "coverage": all(covered(name) for name in HELD),
        "site": bool(site["all"]) and site["all"]["value"] >= SITE,
        "regret": bool(regret) and regret["value"] + 1.96 * regret["se"] < 0,
        "claims": bool(false) and false["value"] <= 0.05,
        "cost": figures["cost"]["mean"] <= 0.35,
    }


def headline(figures: Figures) -> str:
    """All of it in a line, for the table of benchmarks."""
    regret, site = figures["regret"], figures["coverage_site"]["all"]
    covered = ", ".join(_share(figures[name]["all"]) for name in HELD)
    ratio = "-" if regret["ratio"] is None else f"{regret['ratio']:.2f}"
    parts = [
        f"{figures['studies']} studies of {figures['kinds']} kinds: corrected figure {_points(figures['bias']['all'])} "
        f"points off, best observed {_points(figures['bias_best_observed']['all'])}",
        f"coverage {covered}, new site {_share(site)}",
        f"regret {_points(regret['difference'])} against best observed (ratio {ratio})",
        f"gains claimed where there is none {_share(figures['claims_without_gain']['all'])}",
        f"cost {100 * figures['cost']['mean']:.0f} % of the search's runs",
    ]
    missed = [name for name, kept in reached(figures).items() if not kept]
    return "; ".join(parts) + (f"; NOT reached: {', '.join(missed)}" if missed else "")


def rows_of_table(figures: Figures) -> Iterator[tuple[str, ...]]:
    """The cells of the table, its head first; points and per cent, ± one standard error by kind."""
    yield ("figure - truth, accuracy, points", *PLACES)
    for label, name in BIASES.items():
        yield (label, *(_points(figures[name][place]) for place in PLACES))
    yield ("coverage of the 95 % intervals, %", *PLACES)
    for label, name in COVERAGES.items():
        width = figures["half_width"].get(WIDTHS.get(name, ""))
        said = "" if width is None else f" (median ±{100 * width:.1f} points of accuracy)"
        yield (label + said, *(_share(figures[name][place]) for place in PLACES))
    site = figures["coverage_site"]
    yield (
        "range of a new site, 8 sites, %",
        *(f"{name}: {_share(value)}" for name, value in site.items() if isinstance(value, dict)),
    )
    for label, name in (("true regret, points", "regret_accuracy"),):
        regret = figures[name]
        ratio = "-" if regret["ratio"] is None else f"{regret['ratio']:.2f}"
        yield (
            label,
            f"selected {_points(regret['selected'])}",
            f"best observed {_points(regret['best_observed'])}",
            f"difference {_points(regret['difference'])}",
            f"ratio {ratio}",
        )
    claims = figures["claims_without_gain"]
    yield ("gains claimed where there is none, %", *(f"{name}: {_share(value)}" for name, value in claims.items()))
    gains = figures["gains_claimed"]
    yield (
        "true gains of 2 points claimed, %",
        f"by the rule {_share(gains['by_the_rule'])}",
        f"by the corrected t {_share(gains['by_corrected_t'])}",
        f"mean true gain {_points(gains['mean_true_gain'])}",
    )
    cost = figures["cost"]
    yield ("runs of the verdict, % of the search's", f"mean {100 * cost['mean']:.1f}", f"most {100 * cost['most']:.1f}")
    for name, value in figures["bias_other_metrics"].items():
        yield (f"corrected figure - truth, {name}, hundredths", _points(value))
    real = figures.get("real")
    if real:
        yield (
            f"{len(real['tables'])} real tables, {real['studies']} studies",
            f"corrected {_points(real['bias'])}",
            f"best observed {_points(real['bias_best_observed'])}",
            f"coverage: delivered {_share(real['coverage_delivered'])}",
            f"difference {_share(real['coverage_difference'])}",
            f"locked difference {_share(real['coverage_locked_difference'])}",
            f"regret {_points(real['regret']['selected'])} against {_points(real['regret']['best_observed'])}",
        )
    elif "real_skipped" in figures:
        yield ("real tables", f"not measured: {figures['real_skipped']}")


def written(page: str, figures: Figures) -> str:
    """The page with the table of honesty in its place."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(figures)}\n{END}{after}"


def table(figures: Figures) -> str:
    rows = list(rows_of_table(figures))
    width = max(len(row) for row in rows)
    lines = []
    for number, row in enumerate(rows):
        lines.append("| " + " | ".join([*row, *[""] * (width - len(row))]) + " |")
        if number == 0:
            lines.append("|" + "---|" * width)
    return "\n".join(lines)


def _points(found: Mapping[str, float] | None) -> str:
    return "-" if not found else f"{100 * found['value']:+.2f} ± {100 * found['se']:.2f}"


def _share(found: Mapping[str, float] | None) -> str:
    return "-" if not found else f"{100 * found['value']:.1f} ± {100 * found['se']:.1f}"
