"""`tidegate simulate`: words in, an outcome out; what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tidegate.cli.main import call

Run = Callable[..., tuple[int, str, str]]

FILE = """
app: shop
gate: off
services: {{cats: {{image: cats, route: /cats, tasks: {tasks}}}}}
"""


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line beside an app file of two tasks, and a trace of two minutes."""
    (tmp_path / "tidegate.yaml").write_text(FILE.format(tasks=2))
    (tmp_path / "other.yaml").write_text(FILE.format(tasks=3))
    (tmp_path / "trace").write_text("6000\n9000\n")

    def line(*words: str) -> tuple[int, str, str]:
        code = call(["-C", str(tmp_path), "simulate", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return line


def test_a_trace_is_played_and_told_as_json_and_as_a_page(run: Run, tmp_path: Path) -> None:
    trace, html = str(tmp_path / "trace"), tmp_path / "out.html"
    code, out, _ = run("--trace", trace, "--json", "--html", str(html), "--price", "1")
    assert code == 0
    (cats,) = json.loads(out)["services"]
    assert cats["requests"] == pytest.approx(15_000, rel=0.03)
    assert cats["cost"] == pytest.approx(2 * 2 / 60, rel=0.02)
    assert "<svg" in html.read_text()


def test_a_text_states_what_is_assumed(run: Run, tmp_path: Path) -> None:
    code, out, err = run("--trace", str(tmp_path / "trace"), "--balance", "leastconn")
    assert (code, err) == (0, "")
    assert "balancing is leastconn" in out
    assert "cats (assumed): a task works on 4 requests at once, 20 ms each" in out


def test_two_files_are_compared_on_the_same_seeds(run: Run, tmp_path: Path) -> None:
    trace, other = str(tmp_path / "trace"), str(tmp_path / "other.yaml")
    code, out, _ = run("--trace", trace, "--compare", other, "--seeds", "2", "--json")
    assert code == 0
    hours = next(d for d in json.loads(out)["differences"] if d["name"] == "task-hours")
    assert hours["mean"] == pytest.approx(1 / 30, rel=0.02)


def test_a_calibration_beside_the_app_is_used(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".tidegate").mkdir()
    work = {"mean_us": 5_000, "concurrency": 8, "cs2": 0.5, "cold_ms": 0, "cold_factor": 1.0}
    known = {"work": work, "start_ms": 700, "source": "measured"}
    (tmp_path / ".tidegate" / "calibration.json").write_text(
        json.dumps({"format": "tidegate-calibration-1", "services": {"cats": known}})
    )
    _, out, _ = run("--trace", str(tmp_path / "trace"))
    assert "cats (measured): a task works on 8 requests at once, 5 ms each" in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "error TG175: name a scenario, or a trace"),
        (("flash-crowd", "--trace", "x"), "both were named"),
        (("flood",), "error TG172: there is no scenario 'flood'"),
        (("--trace", "nowhere"), "error TG173"),
        (("calibrate",), "error TG176: a calibration needs two load levels"),
        (("flash-crowd", "--calibration", "nowhere"), "error TG171"),
        (("flash-crowd", "--rate", "0"), "error TG139: --rate must be above 0, not 0"),
        (("flash-crowd", "--timeout", "nan"), "error TG139: --timeout must be above 0, not nan"),
        (("flash-crowd", "--timeout", "inf"), "error TG139: --timeout must be above 0, not inf"),
        (("flash-crowd", "--slo-ms", "-1"), "error TG139: --slo-ms must be above 0, not -1"),
        (("flash-crowd", "--price", "-1"), "error TG139: --price must be 0 or more, not -1"),
        (("flash-crowd", "--seeds", "0"), "error TG139: --seeds must be above 0, not 0"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_remedy(
    run: Run, words: tuple[str, ...], says: str
) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert says in err


def test_a_page_that_cannot_be_written_costs_nobody_the_outcome(run: Run, tmp_path: Path) -> None:
    trace = str(tmp_path / "trace")
    code, out, err = run("--trace", trace, "--html", str(tmp_path / "none" / "a.html"))
    assert (code, out) == (3, "") and "there is no folder" in err
    code, out, err = run("--trace", trace, "--html", "/dev/full")
    assert code == 3 and "error TG237: /dev/full cannot be written" in err
    assert "cats (assumed)" in out
    other = ("--compare", str(tmp_path / "other.yaml"), "--seeds", "1")
    code, out, _ = run("--trace", trace, "--html", "/dev/full", *other)
    assert code == 3 and "the same 1 seeds for both" in out


def test_tables_fit_80_columns(run: Run, tmp_path: Path) -> None:
    other = ("--compare", str(tmp_path / "other.yaml"), "--seeds", "3", "--price", "1")
    for words in ((), other):
        text = run("--trace", str(tmp_path / "trace"), *words)[1].partition("\nassumed")[0]
        assert max(len(line) for line in text.splitlines() if str(tmp_path) not in line) <= 80
