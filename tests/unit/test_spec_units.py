"""Times and sizes in human forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.spec.units import size_mib, size_text, time_ms, time_text


@pytest.mark.parametrize(
    ("text", "ms"),
    [("500ms", 500), ("2s", 2_000), ("1.5 s", 1_500), ("10m", 600_000), ("1h", 3_600_000)],
)
def test_a_time_has_a_unit(text: str, ms: int) -> None:
    assert time_ms(text) == ms


@pytest.mark.parametrize("text", ["", "2", "s", "2 days", "-2s", "1.0001s", "0.5ms", "２s", "2s\n"])
def test_what_is_no_time(text: str) -> None:
    assert time_ms(text) is None


@pytest.mark.parametrize(("text", "mib"), [("512MiB", 512), ("128", 128), ("1.5gib", 1_536)])
def test_a_size_is_in_mib_without_a_unit(text: str, mib: int) -> None:
    assert size_mib(text) == mib


@pytest.mark.parametrize("text", ["512MB", "1.3", "MiB", "-1"])
def test_what_is_no_size(text: str) -> None:
    assert size_mib(text) is None


@given(st.integers(0, 999_999_999))
def test_what_is_written_is_read_back(number: int) -> None:
    assert time_ms(time_text(number)) == number
    assert size_mib(size_text(number)) == number
