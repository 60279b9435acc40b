"""Words in, text and exit codes out; the daemon behind is real but for its containers."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from tests.support.served import FILE, Served, served
from tidegate.cli.main import call
from tidegate.core.errors import EffectFailed

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as made:
        (tmp_path / "tidegate.yaml").write_text(FILE)
        yield made


@pytest.fixture(scope="module")
def resting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A daemon with a first release, for tests that change nothing."""
    folder = tmp_path_factory.mktemp("resting")
    with served(folder) as made:
        (folder / "tidegate.yaml").write_text(FILE)
        with made.deployed().listening():
            yield made


@pytest.fixture
def run(
    daemon: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Run]:
    """Run a command line in the app's folder: exit code, stdout, stderr."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("LOGNAME", "ann")
    time.tzset()

    def line(*words: str) -> tuple[int, str, str]:
        code = call(["-C", str(daemon.home.path.parent), *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    with daemon.listening():
        yield line


def shown(run: Run, *words: str) -> str:
    """What a command prints on stdout when all is well."""
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    return "\n".join(text.rstrip() for text in out.splitlines())


def shifting(daemon: Served) -> Served:
    """A second release is some way into its shift."""
    daemon.deployed()
    daemon.push(commit="b" * 40)
    return daemon.until(
        lambda: (one := daemon.engine.progress.deployment_of("cats")) and one.weight_bp > 2_000
    )


# --- what is seen --------------------------------------------------------------------------


def test_status_before_anything_says_what_to_do(run: Run) -> None:
    assert shown(run, "status") == snapshot("nothing is deployed yet: git push tidegate main")


def test_status_at_rest(daemon: Served, run: Run) -> None:
    daemon.deployed()
    assert shown(run, "status") == snapshot("""\
shop  http://127.0.0.1:8080
└── cats  ✓ healthy  http://127.0.0.1:8080/
    └── blue  v1    ✓ stable      100 %  2/2/2  300 requests  errors 0.00 %  p95 10 ms\
""")


def test_status_during_a_shift(daemon: Served, run: Run) -> None:
    shifting(daemon)
    assert shown(run, "status") == snapshot("""\
shop  http://127.0.0.1:8080
├── ● running  e2  bbbbbbb Faster cats  deploy for 4.0 s
└── cats  ● deploying v2 (d2)
    ├── blue  v1    ✓ stable     80 % (to be 60 %)  2/2/2  160 requests  errors 0.00 %  p95 10 ms
    ├── green v2    ● candidate  20 % (to be 40 %)  2/2/2  40 requests  errors 0.00 %  p95 10 ms
    └── PRODUCTION_TRAFFIC_SHIFT  step 2/5  waiting to see 40 % in the balancer\
""")


def test_status_during_a_build(daemon: Served, run: Run) -> None:
    daemon.world.hung = {"build"}
    daemon.push()
    for _ in range(8):
        daemon.tick()
    assert shown(run, "status") == snapshot("""\
nothing is deployed yet: git push tidegate main
└── ● running  e1  3f9c2e1 Faster cats  build for 1.5 s\
""")


def test_status_of_a_pause_names_who_paused(daemon: Served, run: Run) -> None:
    shifting(daemon)
    daemon.operations.pause("cats", "bob")
    daemon.tick()
    assert "paused by bob" in shown(run, "status")


def test_status_when_the_world_cannot_be_seen_says_so(daemon: Served, run: Run) -> None:
    daemon.deployed()
    daemon.world.blind = {"balancer", "metrics"}
    daemon.tick()
    assert shown(run, "status") == snapshot("""\
shop  http://127.0.0.1:8080
└── cats  ◌ not all tasks healthy  http://127.0.0.1:8080/
    └── blue  v1    ✓ stable        ? %  2/2/0  traffic unknown
        ├── t1  ✓ healthy  3.2 s  127.0.0.1:0
        └── t2  ✓ healthy  3.2 s  127.0.0.1:0\
""")


def test_executions(daemon: Served, run: Run) -> None:
    daemon.deployed()
    daemon.world.broken = {"test"}
    daemon.push(FILE + "    test: make test\n")
    daemon.until_quiet()
    assert shown(run, "executions") == snapshot("""\
execution  commit   subject      by   stages                                  outcome
e2         3f9c2e1  Faster cats  ann  source 0 ms, build 500 ms, test 500 ms  ✗ failed
e1         3f9c2e1  Faster cats  ann  source 0 ms, build 500 ms, test 250 ms  ✓ succeeded
                                      scan 250 ms, deploy 3.2 s\
""")


def test_releases(daemon: Served, run: Run) -> None:
    shifting(daemon)
    assert shown(run, "releases") == snapshot("""\
release  service  state        commit   digest          verdict  made
v2       cats     ● candidate  bbbbbbb  sha256:cats-e2  off      2023-11-14 22:13:27
v1       cats     ✓ stable     3f9c2e1  sha256:cats-e1  off      2023-11-14 22:13:22\
""")


def test_one_release(daemon: Served, run: Run) -> None:
    daemon.deployed()
    assert shown(run, "show", "v1") == snapshot("""\
v1 of cats  ✓ stable
commit        3f9c2e1000000000000000000000000000000000
digest        sha256:cats-e1
verdict       off
execution     e1
made          2023-11-14 22:13:22
port          80
build         context cats, dockerfile Dockerfile
routes        /
cpu           256
memory        128MiB
tasks         min 1, desired 2, max 10
health        path /, interval 1s, timeout 1s, healthy_threshold 2, unhealthy_threshold 2,
              grace_period 30s
security      read_only true, tmpfs [/tmp, /run, /var/cache/nginx], pids_limit 128
deployment    strategy linear 20 % every 2 s, bake 1s, rollback_on [DEPLOYMENT_FAILURE,
              DEPLOYMENT_STOP_ON_ALARM, DEPLOYMENT_STOP_ON_REQUEST], analysis.enabled true,
              analysis.false_rollback_rate 0.01, analysis.error_margin 0.005, analysis.slow_margin
              0.05, analysis.warm_up 2s, breaker.percent 50, breaker.min 3, breaker.max 200,
              scale_up_timeout 10m, on_unknown hold
stop_grace    10s
drain         30s
sticky        false
retry_unsafe  false

history
  +0 ms  v1 of cats made from 3f9c2e100000, sha256:cats-e1
  +0 ms  v1 waits for cats to be free (from e1, by ann)
  +0 ms  d1 moves cats as its first release to v1 in blue
  +0 ms  d1 entered SCALE_UP: PRE_SCALE_UP done
+500 ms  d1 entered POST_SCALE_UP: 2 of 2 tasks healthy
+750 ms  d1 entered TEST_TRAFFIC_SHIFT: POST_SCALE_UP done
 +1.0 s  d1 entered POST_TEST_TRAFFIC_SHIFT: TEST_TRAFFIC_SHIFT done
 +1.2 s  d1 entered PRE_PRODUCTION_TRAFFIC_SHIFT: POST_TEST_TRAFFIC_SHIFT done
 +1.5 s  d1 entered PRODUCTION_TRAFFIC_SHIFT: PRE_PRODUCTION_TRAFFIC_SHIFT done
 +1.8 s  d1 asks for 100 % on the candidate: 0 % → 100 %
 +2.0 s  d1: the balancer holds 100 % on the candidate
 +2.2 s  d1 entered POST_PRODUCTION_TRAFFIC_SHIFT: all traffic is on the candidate
 +2.5 s  d1 entered BAKE_TIME: POST_PRODUCTION_TRAFFIC_SHIFT done
 +2.8 s  d1: v1 is the stable release of cats
 +2.8 s  d1 entered CLEAN_UP: the bake is over
 +3.0 s  d1 succeeded: v1 serves\
""")


def test_the_report_of_a_rollback_says_what_was_seen_when_and_what_it_touched(
    daemon: Served, run: Run
) -> None:
    daemon.deployed()
    daemon.world.nature(2).error_share = 0.5
    daemon.push(commit="b" * 40)
    daemon.until_quiet()
    assert shown(run, "report", "d2") == snapshot("""\
d2 moved cats from v1 to v2
outcome         rolled back
reason          5xx share 50.0 % on the candidate against 0.0 % on stable over 2 s (80 against 120
                requests); e-value 5,017 over the 200 needed
started         2023-11-14 22:13:27
took            7.2 s
touched         60 errors in 120 requests
detected        3.5 s after the candidate's first traffic
back to stable  250 ms later

timeline
  +0 ms  d2 moves cats from v1 to v2 in green
  +0 ms  d2 entered SCALE_UP: PRE_SCALE_UP done
  +0 ms  t3 of cats v2 started in green: desired count is 2
  +0 ms  t4 of cats v2 started in green: desired count is 2
+250 ms  t3 is healthy
+250 ms  t4 is healthy
+500 ms  d2 entered POST_SCALE_UP: 2 of 2 tasks healthy
+750 ms  d2 entered TEST_TRAFFIC_SHIFT: POST_SCALE_UP done
 +1.0 s  d2 entered POST_TEST_TRAFFIC_SHIFT: TEST_TRAFFIC_SHIFT done
 +1.2 s  d2 entered PRE_PRODUCTION_TRAFFIC_SHIFT: POST_TEST_TRAFFIC_SHIFT done
 +1.5 s  d2 entered PRODUCTION_TRAFFIC_SHIFT: PRE_PRODUCTION_TRAFFIC_SHIFT done
 +1.8 s  d2 asks for 20 % on the candidate: 0 % → 20 %
 +2.0 s  d2: the balancer holds 20 % on the candidate
 +4.0 s  d2 asks for 40 % on the candidate: 20 % → 40 %
 +4.2 s  d2: the balancer holds 40 % on the candidate
 +5.2 s  d2 rolls back (DEPLOYMENT_STOP_ON_ALARM): 5xx share 50.0 % on the candidate against 0.0 %
         on stable over 2 s (80 against 120 requests); e-value 5,017 over the 200 needed; 60 of the
         candidate's 120 requests failed
 +5.5 s  t3 gets no new requests: v2 is not wanted any more
 +5.5 s  t4 gets no new requests: v2 is not wanted any more
 +6.0 s  t3 is being stopped
 +6.0 s  t4 is being stopped
 +6.5 s  t3 stopped: stopped by Tidegate
 +6.5 s  t4 stopped: stopped by Tidegate
 +7.0 s  t3 removed
 +7.0 s  t4 removed
 +7.2 s  d2 rolled back: 5xx share 50.0 % on the candidate against 0.0 % on stable over 2 s (80
         against 120 requests); e-value 5,017 over the 200 needed\
""")


def test_events_as_sentences_and_as_lines_of_json(daemon: Served, run: Run) -> None:
    daemon.deployed()
    assert shown(run, "events", "--after", str(daemon.journal.last_seq - 2)) == snapshot("""\
    34  2023-11-14 22:13:25  e1: deploy succeeded: cats v1 serves
    35  2023-11-14 22:13:25  e1 succeeded: cats v1 serves\
""")
    last = json.loads(shown(run, "events", "--json").splitlines()[-1])
    assert last["seq"] == daemon.journal.last_seq
    assert last["event"]["type"] == last["type"]


def test_logs_name_their_source(daemon: Served, run: Run) -> None:
    daemon.deployed()
    assert shown(run, "logs", "e1") == snapshot("""\
build   step 1
build   step 2\
""")
    assert shown(run, "logs", "cats") == snapshot("""\
t1      t1 says hello
t2      t2 says hello\
""")


def test_plan_shows_what_the_file_would_change(daemon: Served, run: Run) -> None:
    daemon.deployed()
    path = daemon.home.path.parent / "tidegate.yaml"
    path.write_text(FILE.replace("tasks: 2", "tasks: 3\n    memory: 256"))
    lines = shown(run, "plan").splitlines()
    assert lines[:3] == snapshot(
        [
            "plan for uncommitted",
            "~ cats  changed (runs v1)",
            "    services.cats.memory: 128MiB → 256MiB  [makes a new release]",
        ]
    )
    assert lines[-2].startswith(
        "    services.cats.commit: 3f9c2e100000 → uncommitted  [built again"
    )
    assert lines[-1] == "! warning: services.cats.build: there is no folder cats"


def test_plan_needs_no_controller(daemon: Served) -> None:
    folder = daemon.home.path.parent
    (folder / "tidegate.yaml").write_text(FILE)
    found = separate(folder, "plan")
    assert (found.returncode, found.stderr.count("the controller is not running")) == (0, 1)
    assert found.stdout.splitlines()[1] == "+ cats  new"


def test_a_review_says_what_it_saw_and_what_to_do(daemon: Served, run: Run) -> None:
    daemon.deployed()
    lines = [line.lstrip("│├└─ ") for line in shown(run, "review").splitlines()]
    assert lines[0].startswith("review: ")
    assert "✓ passed releases come from commits: every stable release is of a commit" in lines
    assert "do rehearse one: push a bad release on purpose, or tidegate rollback SERVICE" in lines
    assert max(map(len, shown(run, "review").splitlines())) <= 100


@pytest.mark.parametrize(
    "words",
    [
        *(("status",), ("executions",), ("releases",), ("show", "1"), ("report", "d1"), ("plan",)),
        ("review",),
    ],
)
def test_everything_that_observes_speaks_json(
    resting: Served, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert call(["-C", str(resting.home.path.parent), *words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_watching_shows_the_status_again_at_every_event_until_ctrl_c(
    daemon: Served, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.deployed()
    real = daemon.client.events

    def two_events(client: object, after: int, follow: bool) -> Iterator[object]:
        assert (after, follow) == (daemon.journal.last_seq, True)
        for _ in range(2):
            daemon.push(commit="b" * 40)
            yield next(real(daemon.journal.last_seq - 1))
        raise KeyboardInterrupt

    monkeypatch.setattr(type(daemon.client), "events", two_events)
    code, out, err = run("status", "--watch", "--json")
    assert (code, err) == (0, "stopped watching; everything goes on\n")
    told = [json.loads(line) for line in out.splitlines()]
    assert [len(status["executions"]) for status in told] == [0, 1, 2]


# --- what is done ----------------------------------------------------------------------------


def test_the_only_deployment_need_not_be_named(daemon: Served, run: Run) -> None:
    shifting(daemon)
    for word in ("pause", "resume", "promote", "abort"):
        code, out, err = run(word)
        assert (code, out) == (0, "")
        assert err.startswith("cats ")
    daemon.until_quiet()
    assert daemon.engine.progress.services["cats"].stable == 1


def test_without_a_deployment_there_is_nothing_to_operate(daemon: Served, run: Run) -> None:
    daemon.deployed()
    code, _, err = run("pause")
    assert (code, err.splitlines()[0]) == (2, "error TG106: no deployment is under way")


@pytest.mark.parametrize("words", [("cats", "v1"), ("v1",), ("cats",), ()])
def test_a_rollback_goes_to_the_release_that_is_named_or_the_one_before(
    daemon: Served, run: Run, words: tuple[str, ...]
) -> None:
    daemon.deployed().push(commit="b" * 40)
    daemon.until_quiet()
    assert run("rollback", *words)[0] == 0
    daemon.until_quiet()
    assert daemon.engine.progress.services["cats"].stable == 1


def test_scale_and_its_bounds(daemon: Served, run: Run) -> None:
    daemon.deployed()
    assert run("scale", "cats", "3") == (0, "", "cats is to have 3 tasks\n")
    code, _, err = run("scale", "cats", "99")
    assert (code, err.splitlines()[0]) == (2, "error TG105: cats cannot have 99 tasks")


@pytest.mark.parametrize(("word", "outcome"), [("approve", "succeeded"), ("reject", "refused")])
def test_approve_and_reject(daemon: Served, run: Run, word: str, outcome: str) -> None:
    daemon.push(FILE + "pipeline: {approval: true}\n")
    daemon.until(lambda: len(daemon.engine.progress.executions["e1"].stages) == 5)
    assert run(word, "e1")[0] == 0
    daemon.until_quiet()
    assert daemon.operations.execution("e1").outcome == outcome


def commit(folder: Path) -> None:
    """Make the folder a repository with one commit."""
    git = ("git", "-C", str(folder), "-c", "user.name=ann", "-c", "user.email=a@example.org")
    subprocess.run((*git, "init", "-q", "-b", "main"), check=True)
    subprocess.run((*git, "add", "tidegate.yaml"), check=True)
    subprocess.run((*git, "commit", "-q", "-m", "Faster basket"), check=True)


def test_deploy_follows_a_commit_to_its_end(daemon: Served, run: Run) -> None:
    commit(daemon.home.path.parent)
    with daemon.going_on():
        code, out, err = run("deploy")
    assert (code, out) == (0, "e1 succeeded\n")
    lines = err.splitlines()
    assert lines[0].startswith("-----> e1 started by deploy of ")
    assert "       step 1" in lines
    assert lines[-1] == "=====> succeeded: cats v1 serves"
    assert sum("v1 serves" in line for line in lines) == 3
    assert not any("entered PRE_" in line or "entered POST_" in line for line in lines)


def test_deploy_ends_with_the_exit_code_of_what_went_wrong(daemon: Served, run: Run) -> None:
    commit(daemon.home.path.parent)
    daemon.world.broken = {"build"}
    with daemon.going_on():
        code, out, err = run("deploy", "main")
    assert (code, out) == (4, "e1 failed\n")
    assert " !     e1: build failed: it broke" in err.splitlines()


def test_deploy_of_no_commit_is_a_usage_error(daemon: Served, run: Run) -> None:
    commit(daemon.home.path.parent)
    assert run("deploy", "nothing")[0] == 2


def test_ctrl_c_detaches_and_never_aborts(
    daemon: Served, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(daemon.home.path.parent)

    def interrupted(*_: object) -> Iterator[None]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(type(daemon.client), "stream", interrupted)
    code, out, err = run("deploy")
    assert (code, out) == (7, "e1 goes on\n")
    assert "detached; e1 goes on" in err
    assert daemon.engine.progress.executions["e1"].live


def test_down_stops_the_controller_and_says_that_traffic_goes_on(
    daemon: Served, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.cli.daemon.wait_until_gone", lambda here: True)
    assert run("down") == (0, "", "it is down; traffic goes on\n")
    stays = "it is down; its releases and their images stay for the next tidegate up\n"
    assert run("down", "--everything") == (0, "", stays)
    assert daemon.downs == [False, True]


# --- words and exit codes ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("nonsense",), 2),
        (("scale", "cats"), 2),
        (("show", "latest"), 2),
        (("show", "v9"), 8),
        (("logs", "dogs"), 8),
        (("explain", "TG001"), 8),
        (("rollback", "cats", "v9"), 8),
        (("version",), 0),
        (("schema",), 0),
        (("explain", "tg804"), 0),
        (("status", "--help"), 0),
    ],
)
def test_exit_codes(resting: Served, words: tuple[str, ...], code: int) -> None:
    assert call(["-C", str(resting.home.path.parent), *words]) == code


def test_busy_is_9(daemon: Served, run: Run) -> None:
    shifting(daemon)
    code, _, err = run("rollback", "cats", "v2")
    assert (code, err.splitlines()[0]) == (9, "error TG803: a deployment of cats is under way")


def test_a_fault_of_ours_is_reported_whole_and_is_1(
    daemon: Served, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(daemon.client), "releases", broken)
    code, out, err = run("releases")
    assert (code, out) == (1, "")
    assert "Traceback" in err
    assert err.endswith("error TG900: a fault of Tidegate: ZeroDivisionError\n")


def test_an_effect_that_failed_is_told_as_the_error_that_it_is(
    daemon: Served, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed(subject: str, follow: bool) -> Iterator[None]:
        raise EffectFailed("the container engine does not answer", code="TG911")

    monkeypatch.setattr(daemon.operations, "logs", failed)
    code, _, err = run("logs", "cats")
    assert (code, err) == (1, "error TG911: the container engine does not answer\n")


def separate(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `tidegate` as a process of its own."""
    return subprocess.run(
        (sys.executable, "-m", "tidegate", "-C", str(folder), *words),
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_process_of_its_own_has_the_same_exit_codes_and_streams(daemon: Served) -> None:
    folder = daemon.home.path.parent
    missing = separate(folder, "status")
    assert (missing.returncode, missing.stdout) == (3, "")
    assert missing.stderr.splitlines()[0] == "error TG240: the controller is not running"
    with daemon.deployed().listening():
        found = separate(folder, "status", FORCE_COLOR="1", NO_COLOR="1")
    assert (found.returncode, found.stderr) == (0, "")
    assert "shop" in found.stdout
    assert "\x1b[3" not in found.stdout


def test_a_command_works_from_a_folder_below_the_app(daemon: Served, run: Run) -> None:
    below = daemon.home.path.parent / "cats" / "src"
    below.mkdir(parents=True)
    with daemon.deployed().listening():
        assert call(["-C", str(below), "status"]) == 0


def test_up_tells_why_the_app_file_is_wrong_before_it_starts_anything(
    daemon: Served, run: Run
) -> None:
    (daemon.home.path.parent / "tidegate.yaml").write_text("app: shop\nservces: {}\n")
    code, _, err = run("up")
    assert (code, err.splitlines()[0][:12]) == (3, "error TG201:")


def test_up_again_only_says_that_it_is_up(run: Run) -> None:
    assert run("up") == (0, "", "it is already up: tidegate status\n")


def test_init_writes_a_file_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Dockerfile").write_text("FROM nginx\nEXPOSE 80\n")
    assert call(["-C", str(tmp_path), "init"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'tidegate.yaml'}\n"
    assert call(["-C", str(tmp_path), "init"]) == 2
    assert "error TG110" in capsys.readouterr().err
    assert call(["-C", str(tmp_path), "init", "--force"]) == 0
