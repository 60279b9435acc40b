"""Real pushes into the real repository with its real hooks; only the daemon is a stand-in."""

import io
import os
import signal
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon import Daemon, daemon, end, event, line
from tests.support.worktree import Worktree, surroundings
from tidegate.core.errors import SetupError
from tidegate.local.git import Repository
from tidegate.local.home import Home

GATE = [line("build", "cats: Step 1/2 : FROM nginx"), event("e1: build succeeded"), end(0, None)]
REST = [event("cats: 10 % to v2"), end(0, "succeeded")]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "app" / ".tidegate").create()


@pytest.fixture
def repository(home: Home) -> Repository:
    return Repository(home.repository).create(home, "main")


@pytest.fixture
def user(tmp_path: Path, repository: Repository) -> Worktree:
    made = Worktree(tmp_path / "user").create()
    repository.add_remote(made.path)
    return made


@pytest.fixture
def here(home: Home) -> Iterator[Daemon]:
    with daemon(home) as running:
        running.stories = {"gate": GATE, "rest": REST}
        yield running


def push(user: Worktree, *words: str) -> tuple[int, str]:
    """Push; the exit code, and what the user sees without git's `remote: `."""
    done = user.git("push", "tidegate", *(words or ("main",)), check=False)
    shown = [one.removeprefix("remote: ").rstrip() for one in done.stdout.splitlines()]
    return done.returncode, "\n".join(shown)


def branch_of(repository: Repository, name: str = "main") -> str:
    """The commit of a branch, or ""."""
    done = subprocess.run(
        ["git", "--git-dir", repository.path, "rev-parse", "--verify", "--quiet", name],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def test_a_push_hands_over_the_revision_and_shows_what_happens(
    user: Worktree, repository: Repository, here: Daemon
) -> None:
    commit = user.commit({"tidegate.yaml": "app: cats", "web/index": "miau"}, "Say miau\n\nLoud.")
    code, shown = push(user)
    assert code == 0, shown
    told = ["cats: Step 1/2 : FROM nginx", "e1: build succeeded", "cats: 10 % to v2"]
    places = [shown.find(words) for words in told]
    assert -1 not in places
    assert places == sorted(places)
    assert branch_of(repository) == commit
    (facts, body), *others = here.started
    assert others == []
    assert facts["commit"] == commit
    assert (facts["subject"], facts["trigger"], facts["branch"]) == ("Say miau", "push", "main")
    assert facts["by"]
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        file = tar.extractfile("web/index")
        assert file is not None
        assert file.read() == b"miau"


def test_each_line_is_shown_while_the_push_still_runs(
    user: Worktree, repository: Repository, here: Daemon
) -> None:
    user.commit({"a": "1"})
    here.hold = threading.Event()
    with started_push(user) as process:
        assert process.stdout is not None
        while "Step 1/2" not in (said := process.stdout.readline()):
            assert said, "the push ended without the first line"
        assert process.poll() is None
        assert branch_of(repository) == ""
        here.hold.set()
        assert "build succeeded" in process.stdout.read()
    assert process.returncode == 0


def test_a_refused_push_leaves_the_branch_where_it_was(
    user: Worktree, repository: Repository, here: Daemon
) -> None:
    good = user.commit({"a": "1"})
    push(user)
    user.commit({"a": "2"})
    reason = "scan: cats is refused: 1 CRITICAL (limit 0)"
    here.stories["gate"] = [event(reason), end(5, "refused", reason)]
    code, shown = push(user)
    assert code == 1
    assert "[remote rejected] main -> main (pre-receive hook declined)" in shown
    assert reason in shown
    assert branch_of(repository) == good
    assert not list(repository.path.glob("tidegate-*"))


def test_a_push_during_another_is_refused_before_anything_is_started(
    user: Worktree, repository: Repository, here: Daemon
) -> None:
    first = user.commit({"a": "1"})
    here.hold = threading.Event()
    with started_push(user) as process:
        assert process.stdout is not None
        while "Step 1/2" not in process.stdout.readline():
            assert process.poll() is None
        user.commit({"a": "2"})
        code, shown = push(user)
        assert (code, "TG806" in shown) == (1, True)
        assert len(here.started) == 1
        here.hold.set()
        process.stdout.read()
    assert branch_of(repository) == first
    assert push(user)[0] == 0


def test_a_push_that_began_before_another_ended_is_refused_before_anything_is_started(
    user: Worktree, repository: Repository, here: Daemon
) -> None:
    first = user.commit({"a": "1"})
    user.commit({"a": "2"})
    begun = user.path / ".git" / "hooks" / "pre-push"  # git has told the branch's commit by then
    begun.parent.mkdir(exist_ok=True)
    words = f"--no-verify --quiet tidegate {first}:refs/heads/main"
    begun.write_text(f"#!/bin/sh\nexec git push {words}\n")
    begun.chmod(0o755)
    code, shown = push(user)
    assert (code, "TG806" in shown) == (1, True), shown
    assert [facts["commit"] for facts, _ in here.started] == [first]
    assert branch_of(repository) == first


def test_git_in_the_apps_folder_never_sees_the_state(home: Home, tmp_path: Path) -> None:
    around = Worktree(tmp_path)
    around.git("init", "--quiet")
    assert ".tidegate" not in around.git("status", "--porcelain", "-uall").stdout
    (home.path / ".gitignore").unlink()
    assert ".tidegate/token" in around.git("status", "--porcelain", "-uall").stdout


def test_hooks_of_the_users_own_do_not_let_a_push_past_the_pipeline(
    user: Worktree, repository: Repository, here: Daemon, tmp_path: Path
) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text(f"[core]\n\thooksPath = {tmp_path}/none\n")
    user.commit({"a": "1"})
    subprocess.run(
        ["git", "push", "--quiet", "tidegate", "main"],
        cwd=user.path,
        env=surroundings() | {"GIT_CONFIG_GLOBAL": str(settings)},
        stderr=subprocess.DEVNULL,
        check=True,
    )
    assert len(here.started) == 1


def test_a_revision_without_an_app_file_is_refused_with_the_remedy(
    user: Worktree, repository: Repository, here: Daemon
) -> None:
    user.commit({"a": "1"})
    here.refusal = {
        "code": "TG231",
        "what": "no tidegate.yaml",
        "remedy": "tidegate init",
        "exit_code": 3,
    }
    code, shown = push(user)
    assert code == 1
    assert "error TG231: no tidegate.yaml\n  remedy  tidegate init" in shown
    assert branch_of(repository) == ""


def test_without_a_daemon_the_push_is_refused_and_says_how_to_start_it(
    user: Worktree, repository: Repository
) -> None:
    user.commit({"a": "1"})
    code, shown = push(user)
    assert code == 1
    assert "tidegate up" in shown
    assert branch_of(repository) == ""


def test_other_branches_and_tags_are_stored_without_a_deployment(
    user: Worktree, repository: Repository, here: Daemon
) -> None:
    commit = user.commit({"a": "1"})
    user.git("tag", "v1")
    code, shown = push(user, "main:topic", "v1")
    assert code == 0
    assert "topic is stored, not deployed: only main deploys" in shown
    assert branch_of(repository, "topic") == commit
    assert branch_of(repository, "v1") == commit
    assert here.started == []


def test_the_deploy_branch_cannot_be_deleted(
    user: Worktree, repository: Repository, here: Daemon
) -> None:
    commit = user.commit({"a": "1"})
    push(user)
    code, shown = push(user, ":main")
    assert code == 1
    assert "the deploy branch main cannot be deleted" in shown
    assert branch_of(repository) == commit


def test_a_push_option_stores_without_deploying_and_an_unknown_one_is_refused(
    user: Worktree, repository: Repository, here: Daemon
) -> None:
    commit = user.commit({"a": "1"})
    code, shown = push(user, "-o", "canary", "main")
    assert code == 1
    assert "no push option canary" in shown
    assert push(user, "-o", "no-deploy", "main")[0] == 0
    assert branch_of(repository) == commit
    assert here.started == []


def test_a_forced_push_to_another_history_deploys_too(
    user: Worktree, repository: Repository, here: Daemon
) -> None:
    user.commit({"a": "1"})
    push(user)
    user.git("commit", "--amend", "--message", "Rewritten")
    assert push(user, "--force", "main")[0] == 0
    assert here.started[1][0]["subject"] == "Rewritten"


def test_what_the_pusher_interrupts_goes_on_and_the_branch_is_not_moved(
    user: Worktree, repository: Repository, here: Daemon
) -> None:
    user.commit({"a": "1"})
    here.hold = threading.Event()
    with started_push(user) as process:
        assert process.stdout is not None
        while "Step 1/2" not in process.stdout.readline():
            pass
        os.killpg(process.pid, signal.SIGINT)
        process.stdout.read()
        here.hold.set()
    assert process.returncode != 0
    assert len(here.started) == 1
    assert branch_of(repository) == ""


def test_a_stream_that_breaks_off_refuses_the_push(
    user: Worktree, repository: Repository, here: Daemon
) -> None:
    user.commit({"a": "1"})
    here.stories["gate"] = [event("e1 started")]
    code, shown = push(user)
    assert code == 1
    assert "in the middle" in shown
    assert branch_of(repository) == ""


def test_creating_the_repository_again_keeps_what_is_in_it(
    user: Worktree, repository: Repository, home: Home, here: Daemon
) -> None:
    commit = user.commit({"a": "1"})
    push(user)
    hook = (home.repository / "hooks" / "pre-receive").read_text()
    repository.create(home, "main")
    assert branch_of(repository) == commit
    assert (home.repository / "hooks" / "pre-receive").read_text() == hook
    repository.add_remote(user.path)
    assert user.git("remote").stdout.split() == ["tidegate"]


def test_another_deploy_branch_deploys_instead(
    user: Worktree, repository: Repository, home: Home, here: Daemon
) -> None:
    repository.create(home, "live")
    user.commit({"a": "1"})
    assert "only live deploys" in push(user)[1]
    assert push(user, "main:live")[0] == 0
    assert [facts["branch"] for facts, _ in here.started] == ["live"]


def test_a_folder_that_is_no_git_repository_is_said(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(SetupError, match="not in a git repository"):
        repository.add_remote(tmp_path / "plain")


def test_a_state_directory_with_a_space_in_its_name_works(tmp_path: Path) -> None:
    home = Home(tmp_path / "my $app's" / ".tidegate").create()
    repository = Repository(home.repository).create(home, "main")
    user = Worktree(tmp_path / "user").create()
    repository.add_remote(user.path)
    with daemon(home) as here:
        here.stories = {"gate": GATE, "rest": REST}
        user.commit({"a": "1"})
        assert push(user)[0] == 0


def started_push(user: Worktree) -> "subprocess.Popen[str]":
    """A push that runs on, in a process group of its own, as in a terminal."""
    return subprocess.Popen(
        ["git", "push", "tidegate", "main"],
        cwd=user.path,
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored under nohup
    )
