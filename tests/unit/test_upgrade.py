"""A new version takes over in mid-deployment from the journal that an older one has written.

The journal was recorded on real containers by commit b05e6b2 (2026-11-24): its controller was
killed with -9 while the second release had 40 % of the traffic.
"""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.small_world import World
from tidegate.core import decision as d
from tidegate.core.model import Colour
from tidegate.core.model import LifecycleStage as Stage
from tidegate.core.progress import TaskPhase
from tidegate.core.routing import listener_key
from tidegate.core.seen import Health, Routing, Target, TaskSeen, TaskState
from tidegate.engine.journal import Journal, recorded

RECORDED = Path(__file__).parents[1] / "golden" / "journals" / "2026-11-24-at-40-percent.sql"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The old journal as a file of SQLite, as it lay there after the kill."""
    made = tmp_path / "journal.db"
    with closing(sqlite3.connect(made)) as connection:
        connection.executescript(RECORDED.read_text())
    return made


def taken_over(path: Path) -> World:
    """A world in which all that the old controller had begun is still there, but for itself."""
    progress = recorded(path)
    journal = Journal.open(path, "the new version")
    entries = list(journal.read())
    journal.close()
    world = World(entries[-1].at + 5_000, progress=progress)
    world.journal = [(entry.at, entry.event) for entry in entries]
    assert progress.app is not None
    world.listener = listener_key(progress.app)
    world.routing = {"web": Routing("web", 4_000)}
    for task in progress.tasks.values():
        release = progress.releases[task.release]
        if task.phase is TaskPhase.HEALTHY:
            address = f"127.0.0.1:{len(world.tasks)}"
            fields = (release.digest, TaskState.RUNNING, Health.HEALTHY, address)
            world.tasks[task.id] = TaskSeen(task.id, "web", task.release, *fields)
            world.targets[task.id] = Target("web", task.colour, task.id)
    return world


def test_an_older_version_s_journal_is_read_whole(path: Path) -> None:
    moved = recorded(path).deployment_of("web")
    assert moved is not None
    assert (moved.stable, moved.candidate, moved.colour) == (1, 2, Colour.GREEN)
    assert (moved.stage, moved.weight_bp) == (Stage.PRODUCTION_TRAFFIC_SHIFT, 4_000)
    assert moved.observed_at is not None


def test_its_deployment_goes_on_to_its_end_under_the_new_version(path: Path) -> None:
    world = taken_over(path)
    before = len(world.journal)
    world.until_quiet(limit_s=300)
    new = [event for _, event in world.journal[before:]]
    assert [e.weight_bp for e in new if isinstance(e, d.TrafficShifted)] == [6_000, 8_000, 10_000]
    assert [e.outcome for e in new if isinstance(e, d.DeploymentFinished)] == [d.Outcome.SUCCEEDED]
    assert world.progress.services["web"].stable == 2
    assert {task.release for task in world.tasks.values()} == {2}


def test_its_deployment_can_be_aborted_by_the_new_version(path: Path) -> None:
    world = taken_over(path)
    world.abort("web")
    world.until_quiet(limit_s=300)
    assert world.progress.services["web"].stable == 1
    assert world.routing["web"] == replace(world.routing["web"], green_bp=0)


def test_what_the_new_version_adds_comes_after_what_was_there(path: Path) -> None:
    journal = Journal.open(path, "the new version")
    last = journal.last_seq
    assert journal.append((d.ControllerStarted("me", "9"),), journal.last_at)[0].seq == last + 1
    assert len(list(journal.read())) == last + 1
    journal.close()
