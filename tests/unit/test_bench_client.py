"""What the bench makes of what its client has seen."""

import pytest
from bench.abort import Aborted, claims_of, spread
from bench.client import Seen
from bench.machine import version
from bench.wrk import parse

from tidegate.load.result import Failure, Records, Result

TAGS = ("", "v1", "v2")


def seen(*rows: tuple[int, int, int]) -> Seen:
    """Requests as (ended at ms, outcome, index of the tag); the run begins at 1,000 s."""
    records = Records()
    for number, (end_ms, outcome, tag) in enumerate(rows):
        records.add(number, 0)
        records.end[number] = end_ms * 1_000
        records.outcome[number] = outcome
        records.tag[number] = tag
    return Seen(Result("test", "1:1s", ("GET /",), 1_000_000, 1_000_000, records, TAGS))


def test_the_last_answer_of_a_version_is_the_latest_to_come_in() -> None:
    found = seen((30, 200, 1), (10, 200, 1), (40, 200, 2), (50, int(Failure.RESET), 0))
    assert found.last_answer("v1") == pytest.approx(1_000.030)
    assert found.last_answer("v1", before=1_000.020) == pytest.approx(1_000.010)
    assert found.last_answer("v3") is None


def test_wrong_answers_of_the_faulty_version_are_its_own_and_all_else_is_a_failure() -> None:
    found = seen((1, 500, 2), (2, 500, 1), (3, int(Failure.CLOSED), 0), (4, 200, 2), (5, 404, 2))
    assert found.failures(faulty="v2") == {"http-5xx": 1, "closed": 1, "http-4xx": 1}
    assert found.errors("v2") == 1
    assert found.answers("v2") == 3


def test_an_abort_lasts_until_the_last_answer_of_the_candidate() -> None:
    aborted = [Aborted(1_000.0, 1_000.3, 1_002.0), Aborted(1_003.0, 1_003.1, 1_005.0)]
    found = seen((350, 200, 2), (900, 200, 1), (2_500, 200, 2), (3_150, 200, 2), (4_000, 200, 1))
    commanded, recorded, failed = claims_of(aborted, found, "v2")
    assert commanded.ours == pytest.approx(0.35)
    assert recorded.ours == pytest.approx(0.05)
    assert failed.ours == 0


def test_a_spread_names_the_least_and_the_most() -> None:
    assert spread([0.3, 0.1, 0.2]) == "least 0.100 s, median 0.200 s, p95 0.300 s, most 0.300 s"


WRK = """\
Running 4s test @ http://127.0.0.1:1/
  Latency Distribution
     50%    1.10ms
     99%  950.00us
  100 requests in 4.00s, 1.00MB read
  Socket errors: connect 1, read 2, write 0, timeout 3
  Non-2xx or 3xx responses: 4
Requests/sec:  12345.67
"""


def test_wrks_words_are_read_with_every_kind_of_failure() -> None:
    said = parse(WRK)
    assert (said.replies, said.per_second, said.failed) == (100, 12_345.67, 10)
    assert said.p99_ms == pytest.approx(0.95)


def test_other_words_are_no_run_of_wrk() -> None:
    with pytest.raises(SystemExit, match="something unknown"):
        parse("unable to connect")


def test_a_missing_program_is_said_to_be_missing() -> None:
    assert version(("no-such-program-here", "-v")) == "not installed"
