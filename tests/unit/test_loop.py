"""The loop records before it acts, grants requests, and goes on after any trouble."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tidegate.core import decision as d
from tidegate.core.errors import EffectFailed, JournalError, NotFound
from tidegate.core.metrics import Second
from tidegate.core.model import App, Colour, GateMode, GatePolicy, Service
from tidegate.core.ports import World
from tidegate.core.requests import Abort, AcceptApp
from tidegate.core.seen import BalancerSeen, JobSeen, Routing, TaskSeen
from tidegate.engine.execute import Inline, Lanes, perform
from tidegate.engine.journal import Journal
from tidegate.engine.loop import ACTING_MS, Engine, pause_ms

APP = App("shop", (Service("cats"),), gate=GatePolicy(GateMode.OFF))
ROUTE = d.ApplyRouting(Routing("cats", 0))


class Recorder:
    """All five ports at once; it notes each call, and how much the journal held at that time."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.calls: list[tuple[str, int]] = []
        self.broken: set[str] = set()
        self.hold = threading.Event()
        self.hold.set()

    def _call(self, name: str) -> None:
        self.calls.append((name, self.journal.last_seq))
        if name in self.broken:
            raise EffectFailed(f"{name} is broken")

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def start(self, what: d.StartTask | d.Job) -> None:
        self._call("start")
        self.hold.wait(10)

    def stop(self, task: str, grace_ms: int) -> None:
        self._call("stop")
        self.hold.wait(10)

    def remove(self, task: str) -> None:
        self._call("remove")

    def serve(self, app: App) -> None:
        self._call("serve")

    def register(self, action: d.RegisterTarget) -> None:
        self._call("register")

    def drain(self, action: d.DrainTarget) -> None:
        self._call("drain")

    def deregister(self, action: d.DeregisterTarget) -> None:
        self._call("deregister")

    def route(self, routing: Routing) -> None:
        self._call("route")

    def prune(self, keep: tuple[str, ...]) -> None:
        self._call("prune")


class _Tasks(Recorder):
    def observe(self) -> tuple[TaskSeen, ...] | None:
        return ()


class _Balancer(Recorder):
    def observe(self) -> BalancerSeen | None:
        return BalancerSeen()


class _Metrics:
    def observe(
        self, since_ms: int
    ) -> tuple[Mapping[tuple[str, Colour], tuple[Second, ...]], int] | None:
        return None


class _Jobs(Recorder):
    def observe(self) -> Mapping[str, JobSeen]:
        return {}


def world(journal: Journal) -> tuple[World, _Tasks, _Balancer]:
    tasks, balancer = _Tasks(journal), _Balancer(journal)
    return World(tasks, tasks, balancer, _Metrics(), _Jobs(journal)), tasks, balancer


def test_events_are_in_the_journal_before_their_action_runs() -> None:
    journal = Journal.in_memory()
    ports, _, balancer = world(journal)
    engine = Engine(journal, ports, Inline(ports))
    engine.ask(AcceptApp(APP, "me"))
    engine.look()
    assert ("serve", 1) in balancer.calls


def test_a_request_that_cannot_be_granted_records_nothing() -> None:
    journal = Journal.in_memory()
    ports, _, _ = world(journal)
    engine = Engine(journal, ports, Inline(ports))
    with pytest.raises(NotFound):
        engine.ask(Abort("cats", "me"))
    assert journal.last_seq == 0


def test_a_new_engine_on_the_same_journal_stands_where_the_last_one_stood() -> None:
    journal = Journal.in_memory()
    ports, _, _ = world(journal)
    first = Engine(journal, ports, Inline(ports))
    first.begin("me", "1")
    first.ask(AcceptApp(APP, "me"))
    assert Engine(journal, ports, Inline(ports)).progress == first.progress


def test_a_failed_action_is_reported_at_the_next_look_once() -> None:
    journal = Journal.in_memory()
    ports, _, balancer = world(journal)
    balancer.broken.add("route")
    runner = Inline(ports)
    runner.submit([ROUTE])
    (failure,) = runner.failures()
    assert failure.action == d.identity(ROUTE)
    assert "route is broken" in failure.error
    assert runner.failures() == ()


def test_time_is_never_before_the_last_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal.in_memory()
    ports, tasks, _ = world(journal)
    future = tasks.now() + 3_600_000
    journal.append((d.AppAccepted(APP),), future)
    assert Engine(journal, ports, Inline(ports)).now() == future


def test_the_loop_goes_on_when_the_journal_cannot_be_written(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.db", "me")
    ports, _, balancer = world(journal)
    engine = Engine(journal, ports, Inline(ports))
    engine.ask(AcceptApp(APP, "me"))
    append = journal.append

    def full(events: object, at: int) -> object:
        raise JournalError("no room", code="TG922")

    journal.append = full  # type: ignore[method-assign, assignment]
    stop = threading.Event()
    loop = threading.Thread(target=engine.run, args=(stop,))
    engine.look = _failing_once(engine, engine.look)  # type: ignore[method-assign]
    loop.start()
    try:
        assert _until(lambda: "no room" in engine.trouble)
        journal.append = append  # type: ignore[method-assign]
        engine.wake()
        assert _until(lambda: engine.trouble == "" and bool(balancer.calls))
    finally:
        stop.set()
        engine.wake()
        loop.join()
        journal.close()


def _failing_once(engine: Engine, look: Callable[[], d.Decision]) -> Callable[[], d.Decision]:
    """A look that records something first, so that a full journal is noticed."""

    def first() -> d.Decision:
        if engine.trouble == "":
            engine.begin("me", "1")
        return look()

    return first


def _until(true: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.01)
    return False


def test_traffic_moves_while_a_container_is_slow_to_start() -> None:
    journal = Journal.in_memory()
    ports, tasks, balancer = world(journal)
    tasks.hold.clear()
    lanes = Lanes(ports, on_done=lambda: None)
    starts = [d.StartTask(f"t{n}", APP.services[0], 1, "sha256:0") for n in range(20)]
    try:
        lanes.submit(starts)
        lanes.submit([ROUTE])
        assert _until(lambda: [name for name, _ in balancer.calls] == ["route"])
    finally:
        tasks.hold.set()
        lanes.close()


def test_an_action_on_a_busy_subject_is_left_for_the_next_look() -> None:
    journal = Journal.in_memory()
    ports, tasks, _ = world(journal)
    tasks.hold.clear()
    done = threading.Semaphore(0)
    lanes = Lanes(ports, on_done=done.release)
    start = d.StartTask("t1", APP.services[0], 1, "sha256:0")
    try:
        lanes.submit([start, start, d.StopTask("t1", 0)])
        tasks.hold.set()
        assert done.acquire(timeout=10)
        assert [name for name, _ in tasks.calls] == ["start"]
        lanes.submit([d.StopTask("t1", 0)])
        assert done.acquire(timeout=10)
        assert [name for name, _ in tasks.calls] == ["start", "stop"]
    finally:
        lanes.close()


@pytest.mark.parametrize("patience_s", [60.0, 0.0])
def test_a_removal_waits_while_another_task_has_just_begun_to_stop(
    monkeypatch: pytest.MonkeyPatch, patience_s: float
) -> None:
    monkeypatch.setattr("tidegate.engine.execute.STOPS_FIRST_S", patience_s)
    journal = Journal.in_memory()
    ports, tasks, _ = world(journal)
    tasks.hold.clear()
    done = threading.Semaphore(0)
    lanes = Lanes(ports, on_done=done.release)
    try:
        lanes.submit([d.StopTask("t1", 0), d.RemoveTask("t2")])
        if patience_s:
            tasks.hold.set()  # the stop ends
            assert done.acquire(timeout=10)
            assert [name for name, _ in tasks.calls] == ["stop"]
            lanes.submit([d.RemoveTask("t2")])
        assert _until(lambda: sorted(name for name, _ in tasks.calls) == ["remove", "stop"])
    finally:
        tasks.hold.set()
        lanes.close()


def test_what_has_just_begun_is_waited_for_before_the_next_look() -> None:
    at_once = d.Decision((ROUTE,), look_again_at=1_000)
    assert pause_ms(at_once, d.Decision(), 1_000, 200) == ACTING_MS
    assert pause_ms(at_once, at_once, 1_000, 200) == 0  # it was under way already
    assert pause_ms(d.Decision(look_again_at=900), at_once, 1_000, 200) == 0
    assert pause_ms(d.Decision(look_again_at=1_050), d.Decision(), 1_000, 200) == 50
    assert pause_ms(d.Decision(look_again_at=9_000), d.Decision(), 1_000, 200) == 200
    assert pause_ms(d.Decision((ROUTE,)), d.Decision(), 1_000, 200) == 200


def test_a_fault_of_an_adapter_becomes_a_failure_not_a_dead_lane() -> None:
    journal = Journal.in_memory()
    ports, _, balancer = world(journal)

    def fault(routing: Routing) -> None:
        raise ValueError("a fault")

    balancer.route = fault  # type: ignore[method-assign]
    done = threading.Semaphore(0)
    lanes = Lanes(ports, on_done=done.release)
    try:
        lanes.submit([ROUTE])
        assert done.acquire(timeout=10)
        assert "ValueError: a fault" in lanes.failures()[0].error
    finally:
        lanes.close()


@pytest.mark.parametrize(
    ("action", "call"),
    [
        (d.StartTask("t1", APP.services[0], 1, "sha256:0"), "start"),
        (d.StopTask("t1", 0), "stop"),
        (d.RemoveTask("t1"), "remove"),
        (d.RegisterTarget("t1", "cats", Colour.BLUE, "127.0.0.1:1"), "register"),
        (d.DrainTarget("t1", "cats", Colour.BLUE), "drain"),
        (d.DeregisterTarget("t1", "cats", Colour.BLUE), "deregister"),
        (ROUTE, "route"),
        (d.ApplyListener(APP), "serve"),
        (d.StartJob(d.ScanImages("j", "e1", ())), "start"),
        (d.PruneImages(()), "prune"),
    ],
)
def test_each_action_is_one_call_of_its_port(action: d.Action, call: str) -> None:
    journal = Journal.in_memory()
    tasks, balancer, jobs = _Tasks(journal), _Balancer(journal), _Jobs(journal)
    ports = World(tasks, tasks, balancer, _Metrics(), jobs)
    perform(action, ports)
    calls = [name for port in (tasks, balancer, jobs) for name, _ in port.calls]
    assert calls == [call]
