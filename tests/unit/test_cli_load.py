"""`tidegate load`: what it asks when nothing is named, and what it refuses."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.scripted_server import Server, serving
from tidegate.cli.load_words import spoken
from tidegate.cli.main import call
from tidegate.load.report import from_json

Run = Callable[..., tuple[int, str, str]]

FILE = """
app: shop
gate: off
listener: {{port: {port}}}
services:
  cats: {{image: cats, route: /cats}}
  dogs: {{image: dogs, route: /dogs}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture
def run(
    server: Server,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Run a command line beside an app file whose listener is the server."""
    monkeypatch.setattr("tidegate.cli.commands.load.processes", lambda directory: [1])
    port = server.listener.getsockname()[1]
    (tmp_path / "tidegate.yaml").write_text(FILE.format(port=port))
    server.calls.clear()

    def line(*words: str) -> tuple[int, str, str]:
        code = call(["-C", str(tmp_path), "load", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return line


def asked(server: Server) -> Counter[str]:
    """How often each path was asked."""
    return Counter(one.request.split()[1].decode() for one in server.calls)


def test_without_a_url_every_service_of_the_app_is_asked_alike(run: Run, server: Server) -> None:
    code, out, _ = run("--rate", "100", "--for", "400ms", "--json")
    assert code == 0
    assert from_json(out).counts.ok == 40
    assert asked(server) == {"/cats": 20, "/dogs": 20}


def test_a_path_is_one_of_this_app(run: Run, server: Server) -> None:
    assert run("/cats?x=1", "-X", "POST", "-H", "a: b", "--requests", "3")[0] == 0
    assert asked(server) == {"/cats?x=1": 3}
    assert server.calls[0].request.startswith(b"POST")
    assert b"a: b" in server.calls[0].request


def test_a_port_that_this_apps_balancer_does_not_hold_is_not_loaded(
    run: Run, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.cli.commands.load.processes", lambda directory: [])
    for words in ((), ("/cats",)):
        code, out, err = run(*words)
        assert (code, out) == (3, "")
        assert err.startswith("error TG244: this app does not answer at 127.0.0.1:")
    assert asked(server) == {}


def test_weights_share_the_load(run: Run, server: Server) -> None:
    words = ("/cats", "/dogs", "--weight", "3", "--weight", "1", "--requests", "40")
    assert run(*words, "--rate", "200")[0] == 0
    assert asked(server) == {"/cats": 30, "/dogs": 10}


def test_a_host_that_is_neither_here_nor_this_apps_is_refused_until_somebody_says_so(
    run: Run, server: Server
) -> None:
    code, out, err = run("http://192.0.2.1/")
    assert (code, out) == (2, "")
    assert "error TG153: 192.0.2.1 is not this machine, and not a listener of this app" in err
    assert "--i-may-load 192.0.2.1" in err
    assert not server.calls


def test_a_listener_with_a_certificate_is_refused_for_its_https(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tidegate.yaml").write_text(
        "app: shop\nlistener: {certificate: /tmp/x.pem}\nservices: {cats: {image: cats}}\n"
    )
    code, _, err = run()
    assert code == 2 and "error TG152" in err


def test_reports_are_written_and_compared(run: Run, tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("a.json", "b.json", "a.html")]
    assert run("--requests", "5", "--out", files[0], "--html", files[2])[0] == 0
    assert run("--requests", "5", "--rate", "100", "--out", files[1])[0] == 0
    assert "<svg" in Path(files[2]).read_text()
    code, out, _ = run("compare", *files[:2])
    assert code == 0 and "B against A" in out
    assert "p99 ms" in out


def test_a_comparison_of_one_is_refused(run: Run) -> None:
    code, _, err = run("compare", "a.json")
    assert code == 2 and "error TG170: 1 reports to compare" in err


def test_a_replay_plays_the_counts_of_a_file(run: Run, server: Server, tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("# per minute\n00:00,600\n00:01,300\n")
    code, out, _ = run(
        "/cats", "--replay", str(trace), "--speed", "300", "--scale", "0.1", "--json"
    )
    assert code == 0
    assert json.loads(out)["counts"]["requests"] == 90 == sum(asked(server).values())


def test_a_seed_of_zero_is_said_in_the_account_too() -> None:
    """What is left out is what the generator takes by itself, not whatever is empty."""
    asked = {"rate": None, "method": "GET", "resend": False, "tag_body": "", "poisson": 0}
    assert spoken(["/cats"], asked, "http://a") == ["--poisson=0", "http://a/cats"]


@pytest.mark.parametrize("option", ["--out", "--html"])
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_sent(
    run: Run, server: Server, tmp_path: Path, option: str
) -> None:
    for place, cause in (("none/a", "there is no folder"), ("", "it is a folder")):
        code, out, err = run("--requests", "3", option, str(tmp_path / place))
        assert (code, out) == (3, "")
        assert "error TG236" in err and cause in err
    assert not server.calls


def test_a_full_disk_costs_neither_the_result_nor_the_other_file(run: Run, tmp_path: Path) -> None:
    html = tmp_path / "a.html"
    words = ("--requests", "3", "--rate", "100", "--out", "/dev/full", "--html", str(html))
    code, out, err = run(*words)
    assert code == 3 and "/dev/full cannot be written" in err
    assert "3 × 200" in out and "<svg" in html.read_text()


def test_what_a_file_held_is_lost_only_when_the_new_report_is_whole(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    html = tmp_path / "a.html"
    html.write_text("the last one")

    def full(path: Path, text: str, **_: object) -> int:
        path.write_bytes(text[:9].encode())
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        code, out, _ = run("--requests", "3", "--rate", "100", "--html", str(html))
    assert code == 3 and "3 × 200" in out
    assert html.read_text() == "the last one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "tidegate.yaml"]
    assert run("--requests", "3", "--rate", "100", "--html", str(html))[0] == 0
    assert html.read_text().endswith("</html>\n")


def test_a_comparison_is_told_as_json_and_as_a_page_too(run: Run, tmp_path: Path) -> None:
    a, html = str(tmp_path / "a.json"), tmp_path / "both.html"
    assert run("--requests", "5", "--rate", "100", "--out", a)[0] == 0
    code, out, _ = run("compare", a, a, "--json", "--html", str(html))
    assert code == 0
    assert json.loads(out)["numbers"][0] == {
        "name": "intended/s", "a": pytest.approx(125, rel=0.3), "b": pytest.approx(125, rel=0.3),
        "change_percent": 0.0,
    }  # fmt: skip
    assert f"B  {a}: load" in html.read_text()


def test_a_comparison_names_the_file_that_is_no_report(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    code, _, err = run("compare", str(bad), str(bad))
    assert code == 2 and "error TG157" in err and f"where   {bad}" in err


@pytest.mark.parametrize(
    "words",
    [("--requests", "0"), ("--connections", "-1"), ("--timeout", "0")],
    ids=["requests", "connections", "timeout"],
)
def test_a_limit_of_nothing_is_refused(run: Run, server: Server, words: tuple[str, str]) -> None:
    code, _, err = run(*words)
    assert code == 2 and f"error TG159: {words[0]} must be above 0, not {words[1]}" in err
    assert not server.calls


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--day 2026-11-01", "--day does not go with a steady rate"),
        ("--speed 60", "--speed does not go with a steady rate"),
        ("--profile 5:1s --rate 5", "--rate does not go with --profile"),
        ("--profile 5:1s --for 1s", "--for does not go with --profile"),
        ("--profile 5:1s --scale 2", "--scale does not go with --profile"),
        ("--replay {trace} --profile 5:1s", "--profile does not go with --replay"),
        ("--replay {trace} --for 5s", "--for does not go with --replay"),
    ],
)
def test_an_option_that_would_not_be_heeded_is_refused(
    run: Run, server: Server, tmp_path: Path, words: str, said: str
) -> None:
    (tmp_path / "trace").write_text("6\n")
    code, _, err = run(*words.format(trace=tmp_path / "trace").split())
    assert code == 2 and f"error TG159: {said}" in err
    assert not server.calls


def test_a_comparison_refuses_the_options_of_a_load(run: Run) -> None:
    for words in (("--for", "5s"), ("--out", "c.json"), ("-X", "POST")):
        code, _, err = run("compare", "a.json", "b.json", *words)
        assert code == 2 and f"error TG170: {words[0]} says nothing to a comparison" in err


def test_a_replay_cannot_be_endlessly_fast(run: Run, tmp_path: Path) -> None:
    (tmp_path / "trace").write_text("6\n")
    code, _, err = run("--replay", str(tmp_path / "trace"), "--speed", "inf")
    assert code == 2 and "error TG150: a replay's speed must be a number above 0, not inf" in err


def test_more_requests_than_can_be_kept_are_refused(run: Run, server: Server) -> None:
    code, _, err = run("--rate", "1e300", "--for", "1s")
    assert code == 2 and "error TG159: the load is of 1e+300 requests" in err
    assert not server.calls
    assert run("--rate", "1e300", "--requests", "2")[0] == 0
