from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from truing.report.columns import ascii_only, cells, clip, pad, plain


@given(st.text(st.sampled_from("ab é日本한글·±…-_0é"), max_size=30))
def test_width_agrees_with_rich(text: str) -> None:
    assert cells(text) == cell_len(text)


@given(st.text(max_size=40), st.integers(1, 20))
def test_clip_never_goes_over_and_keeps_what_fits(text: str, width: int) -> None:
    cut = clip(text, width)

    assert cells(cut) <= width
    assert cut == text or cut.endswith("…")


@given(st.text(max_size=40))
def test_plain_text_holds_no_control_characters(text: str) -> None:
    assert all(c.isprintable() or c == " " or ord(c) > 0x2FF for c in plain(text))
    assert "\n" not in plain(text)
    assert "\x1b" not in plain(text)


def test_pad_counts_cells_not_characters() -> None:
    assert cell_len(pad("日本", 6)) == 6
    assert pad("日本", 6, right=True) == "  日本"


@given(st.text(max_size=40))
def test_ascii_only_is_ascii(text: str) -> None:
    assert ascii_only(text).isascii()
