"""Numbers of things are said as a person would."""

import pytest

from tidegate.core.words import counted


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 tasks"), (1, "1 task"), (-1, "-1 task"), (2, "2 tasks"), (41_003, "41,003 tasks")],
)
def test_one_thing_is_not_said_as_many(number: int, text: str) -> None:
    assert counted(number, "task") == text
