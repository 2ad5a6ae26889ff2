"""The figure of what mattered: a bar for each share of the variance, with its interval."""

from __future__ import annotations

from truing.report.columns import clip, plain
from truing.report.figures import BLUE, GREY, ORANGE, Drawing, lay_out
from truing.report.importance import SHOWN, Importance, ends, named
from truing.statistics.importance import Share
from truing.verdict.mattered import percent

MOST = 12  # bars
_CHARS = 22  # of a name beside its bar: a telephone is 400 pixels wide


def drawing(found: Importance) -> Drawing | None:
    """Each parameter's own share, and those of two together that are worth a bar; None where there are no shares."""
    if found.shares.why:
        return None
    import plotly.graph_objects as go

    own = found.shares.parameters
    pairs = [share for share in found.shares.pairs if share.share >= 4 * SHOWN][: max(2, MOST - len(own))]
    shown = sorted([*own[:MOST], *pairs], key=lambda share: -share.share)
    figure = go.Figure()
    for label, colour, count in (("one parameter", BLUE, 1), ("two together", ORANGE, 2)):
        some = [share for share in shown if len(share.names) == count]
        if not some:
            continue
        figure.add_bar(
            x=[100 * share.share for share in some],
            y=[_label(share) for share in some],
            orientation="h",
            name=label,
            marker={"color": colour},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [100 * max(0.0, share.high - share.share) for share in some],
                "arrayminus": [100 * max(0.0, share.share - share.low) for share in some],
                "color": GREY,
                "thickness": 1.5,
            },
            customdata=[f"{named(share)}<br>{percent(share.share)} {ends(share)}" for share in some],
            hovertemplate="%{customdata}<extra></extra>",
        )
    title = _title(found)
    lay_out(figure, title, x="share of variance (%)", y="")
    figure.update_yaxes(
        automargin=True, type="category", categoryorder="array", categoryarray=[_label(share) for share in shown[::-1]]
    )
    figure.update_xaxes(rangemode="tozero")
    figure.update_layout(height=120 + 30 * len(shown), bargap=0.35)
    listed = "; ".join(f"{named(share)} {percent(share.share)} {ends(share)}" for share in shown)
    left = len(own) - len(own[:MOST])
    more = f" {left} further parameters have smaller ones." if left else ""
    text = f"{title} Shares with their 95 % intervals, in per cent: {listed}.{more}"
    return Drawing(title, figure, text)


def _title(found: Importance) -> str:
    """What is seen, in a sentence."""
    first, *others = found.shares.parameters
    rest = f", {named(others[0])} {percent(others[0].share)}" if others else ""
    metric = plain(found.metric)
    return f"{named(first)} makes {percent(first.share)} of the variance of {metric} {found.region}{rest}."


def _label(share: Share) -> str:
    """Short enough to stand beside a bar, harmless in Plotly's small HTML."""
    words = " × ".join(clip(plain(name), _CHARS // len(share.names)) for name in share.names)
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
