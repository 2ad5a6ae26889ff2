"""A name that is not registered is answered with the names that are."""

import pytest

from truing.errors import UsageError
from truing.registry import SEARCHERS


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("bayes", "There is no searcher named 'bayes'. Known: random, grid"),
        ("gird", "There is no searcher named 'gird'; did you mean 'grid'? Known: random, grid"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(name, start):
    with pytest.raises(UsageError) as caught:
        SEARCHERS.get(name)

    assert str(caught.value).startswith(start)
