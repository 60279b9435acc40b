"""What needs a real engine, HAProxy or browser is in the folders that `make real` runs."""

from pathlib import Path

TESTS = Path(__file__).parents[1]
MARKS = tuple(f"pytest.mark.{name}" for name in ("engine", "haproxy", "browser"))


def test_real_tests_are_in_their_folders() -> None:
    marked = {
        path.relative_to(TESTS).parts[0]
        for path in TESTS.rglob("test_*.py")
        if path != Path(__file__) and any(mark in path.read_text() for mark in MARKS)
    }
    assert marked == {"contract", "end_to_end"}
