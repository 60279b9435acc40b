"""The daemon's API over real HTTP, and the client that speaks to it."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.served import COMMIT, FILE, Served, served, source
from tidegate.api import bodies
from tidegate.api.client import Client
from tidegate.core.errors import (
    AppFileError,
    Busy,
    InternalError,
    JournalError,
    NotFound,
    SetupError,
    StillRunning,
    TidegateError,
    UsageError,
)
from tidegate.engine.views.events import EventView
from tidegate.operations import Operations


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A daemon that listens, with a first release; for tests that change nothing."""
    with served(tmp_path_factory.mktemp("shared")) as made, made.deployed().listening():
        yield made


@contextmanager
def http_to(daemon: Served) -> Iterator[httpx2.Client]:
    """A plain HTTP client with the right token, to a daemon that listens."""
    port = json.loads(daemon.home.daemon.read_text())["port"]
    headers = {"authorization": f"Bearer {daemon.home.token.read_text().strip()}"}
    url = f"http://127.0.0.1:{port}"
    with httpx2.Client(base_url=url, headers=headers, trust_env=False, verify=False) as client:
        yield client


@contextmanager
def raw(daemon: Served, **changes: Any) -> Iterator[httpx2.Client]:
    """A plain HTTP client to a daemon that listens now; `changes` go to the app."""
    with daemon.listening(**changes), http_to(daemon) as client:
        yield client


# --- who may come in -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "code", "status"),
    [
        ({"authorization": ""}, "TG120", 401),
        ({"authorization": "Bearer wrong"}, "TG120", 401),
        ({"authorization": "Basic {token}"}, "TG120", 401),
        ({"host": "evil.example"}, "TG121", 403),
        ({"host": "127.0.0.1.evil.example"}, "TG121", 403),
        ({"host": "[::1"}, "TG121", 403),
        ({"origin": "https://evil.example"}, "TG122", 403),
        ({"origin": "http://127.0.0.1:1"}, "TG122", 403),
        ({"origin": "null"}, "TG122", 403),
    ],
)
def test_who_may_not_come_in_is_refused(
    shared: Served, headers: Mapping[str, str], code: str, status: int
) -> None:
    token = shared.home.token.read_text().strip()
    sent = {name: value.replace("{token}", token) for name, value in headers.items()}
    with http_to(shared) as http:
        answer = http.get("/v1/status", headers=sent)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert token not in answer.text


def test_a_page_of_the_daemons_own_may_ask(shared: Served) -> None:
    with http_to(shared) as http:
        origin = str(http.base_url).rstrip("/")
        assert http.get("/v1/status", headers={"origin": origin}).status_code == 200
        assert http.get("/v1/status", headers={"host": "localhost:1"}).status_code == 200


def test_health_needs_no_token_and_everything_else_does(shared: Served) -> None:
    with http_to(shared) as http:
        del http.headers["authorization"]
        assert http.get("/healthz").json() == {"ok": True}
        for path in ("/metrics", "/v1/events", "/v1/logs/cats", "/v1/nothing"):
            assert http.get(path).status_code == 401


# --- the shape of answers --------------------------------------------------------------------


def test_an_unknown_address_and_a_wrong_method_are_told_as_json(shared: Served) -> None:
    with http_to(shared) as http:
        nothing, wrong = http.get("/v1/nothing"), http.post("/v1/status")
    assert (nothing.status_code, nothing.json()["error"]["code"]) == (404, "TG725")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "TG124")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/services/cats/scale", {"desired": -1}),
        ("/v1/services/cats/scale", {}),
        ("/v1/services/cats/pause", {"bye": "ann"}),
        ("/v1/services/cats/rollback", {"release": "v1"}),
        ("/v1/executions", {}),
    ],
)
def test_a_malformed_request_names_what_is_wrong(
    shared: Served, path: str, body: Mapping[str, Any]
) -> None:
    with http_to(shared) as http:
        answer = http.post(path, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "TG125")


def test_what_a_request_says_of_itself_is_one_line_of_printable_text(daemon: Served) -> None:
    with daemon.listening() as client:
        facts = {"commit": COMMIT, "subject": "a\x1b[31m\nb" + "c" * 300, "by": "ann\r"}
        client.start_execution(source(), **facts)
    execution = daemon.engine.progress.executions["e1"]
    assert execution.by == "ann"
    assert execution.subject == ("a [31m b" + "c" * 300)[:200]


def test_a_body_that_is_too_large_is_refused(
    daemon: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MOST_TAR_BYTES", 4_000)
    with daemon.listening() as client, pytest.raises(UsageError) as caught:
        client.start_execution(source(), commit=COMMIT)
    assert caught.value.number == "TG123"
    assert daemon.journal.last_seq == 0


def test_a_fault_of_ours_is_told_without_its_details(daemon: Served) -> None:
    def broken() -> str:
        raise RuntimeError("the secret is 42")

    with daemon.listening(metrics=broken) as client, pytest.raises(InternalError) as caught:
        client.prometheus()
    assert (caught.value.number, caught.value.cause) == ("TG942", "RuntimeError")


# --- webhooks -------------------------------------------------------------------------------


def test_a_webhook_gets_the_raw_body_without_token_or_host(daemon: Served) -> None:
    heard: list[tuple[Mapping[str, str], bytes]] = []

    def webhook(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        heard.append((headers, body))
        return {"execution": "e1"}

    with raw(daemon, webhook=webhook) as http:
        del http.headers["authorization"]
        headers = {"host": "deploy.example", "x-hub-signature-256": "sha256=ab"}
        answer = http.post("/webhooks/github", content=b' {"a": 1}\n', headers=headers)
    assert answer.json() == {"execution": "e1"}
    assert heard[0][1] == b' {"a": 1}\n'
    assert heard[0][0]["x-hub-signature-256"] == "sha256=ab"


def test_a_webhook_that_is_not_set_up_is_not_there(shared: Served) -> None:
    with http_to(shared) as http:
        assert http.post("/webhooks/github").json()["error"]["code"] == "TG726"


def test_a_wrong_signature_is_a_401(daemon: Served) -> None:
    def webhook(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        raise UsageError("the webhook's signature does not match", code="TG116")

    with raw(daemon, webhook=webhook) as http:
        assert http.post("/webhooks/github").status_code == 401


# --- the client answers what the engine answers ------------------------------------------------


def test_the_client_speaks_the_one_protocol(daemon: Served) -> None:
    client: Operations = daemon.client
    assert isinstance(client, Client)


def test_every_question_has_the_same_answer_from_another_process(daemon: Served) -> None:
    daemon.deployed().push(commit="b" * 40)
    daemon.until(lambda: (d := daemon.engine.progress.deployment_of("cats")) and d.weight_bp)
    here = daemon.operations
    with daemon.listening() as there:
        assert there.status() == here.status()
        assert there.executions() == here.executions()
        assert there.execution("e2") == here.execution("e2")
        assert there.releases() == here.releases()
        assert there.show(1) == here.show(1)
        assert there.report("d2") == here.report("d2")
        assert there.plan(FILE, COMMIT) == here.plan(FILE, COMMIT)
        assert list(there.events()) == list(here.events())
        assert list(there.events(after=7)) == list(here.events(after=7))
        assert list(there.logs("e1/build")) == list(here.logs("e1/build"))
        assert there.prometheus() == "up 1\n"
        assert there.alive()


def test_requests_from_another_process_are_granted_and_journaled(daemon: Served) -> None:
    daemon.deployed()
    with daemon.listening() as client:
        assert client.start_execution(source(), commit="b" * 40, by="ann") == "e2"
        daemon.until(lambda: daemon.engine.progress.deployment_of("cats"))
        client.pause("cats", "ann")
        client.resume("cats", "ann")
        client.promote("cats", "ann")
        client.scale("cats", 3, "ann")
        client.abort("cats", "ann")
        daemon.until_quiet()
        client.start_execution(source(), commit="c" * 40, by="ann")
        daemon.until_quiet()
        client.rollback("cats", 1, "ann")
        daemon.until_quiet()
        client.down(everything=True)
    kinds = [type(entry.event).__name__ for entry in daemon.journal.read()]
    assert daemon.engine.progress.services["cats"].stable == 1
    assert daemon.downs == [True]
    asked = {"DeploymentPaused", "DeploymentResumed", "PromoteRequested", "AbortRequested"}
    assert asked | {"DesiredChanged"} <= set(kinds)


APPROVAL = FILE + "pipeline: {approval: true}\n"


def test_approval_and_rejection_come_from_another_process(daemon: Served) -> None:
    with daemon.listening() as client:
        client.start_execution(source(APPROVAL), commit=COMMIT)
        daemon.until(lambda: len(client.execution("e1").stages) == 5)
        client.approve("e1", "ann")
        daemon.until_quiet()
        client.start_execution(source(APPROVAL), commit="b" * 40)
        daemon.until(lambda: len(client.execution("e2").stages) == 5)
        client.reject("e2", "ann", "not today")
        daemon.until_quiet()
        first, second = client.execution("e1"), client.execution("e2")
    assert (first.outcome, first.approved_by) == ("succeeded", "ann")
    assert (second.outcome, second.exit_code) == ("refused", 5)
    assert second.reason == "approve: rejected by ann: not today"


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (lambda c: c.pause("dogs", "ann"), NotFound),
        (lambda c: c.scale("cats", 99, "ann"), UsageError),
        (lambda c: c.plan("app: shop\nservces: {}\n", COMMIT), AppFileError),
        (lambda c: list(c.logs("nothing")), NotFound),
        (lambda c: list(c.stream("e99")), NotFound),
        (lambda c: list(c.events(-1)), UsageError),
        (lambda c: list(c.stream("e1", "never")), UsageError),
    ],
)
def test_a_refusal_is_raised_as_it_was_by_the_engine(
    shared: Served, ask: Any, kind: type[TidegateError]
) -> None:
    with pytest.raises(kind) as caught:
        ask(shared.client)
    assert type(caught.value) is kind


def test_busy_comes_out_as_busy(daemon: Served) -> None:
    daemon.deployed().push(commit="b" * 40)
    daemon.until(lambda: daemon.engine.progress.deployment_of("cats"))
    with daemon.listening() as client, pytest.raises(Busy, match="is under way"):
        client.rollback("cats", 2, "ann")


# --- streams --------------------------------------------------------------------------------


def test_a_push_is_followed_to_the_gate_and_then_to_its_end(daemon: Served) -> None:
    with daemon.listening() as client, daemon.going_on():
        execution = client.start_execution(source(), commit=COMMIT)
        first = list(client.stream(execution, "gate"))
        rest = list(client.stream(execution, "rest"))
    assert {"kind": "line", "stage": "build", "text": "step 1"} in first
    assert first[-1] == {
        "kind": "end",
        "outcome": None,
        "exit_code": 0,
        "reason": "deploy begins",
    }
    assert rest[-1]["kind"] == "end"
    assert not any(message["kind"] == "line" for message in rest)


def test_an_event_streams_id_is_the_journals_number(shared: Served) -> None:
    with http_to(shared) as http:
        text = http.get("/v1/events", params={"after": 2}).text
        resumed = http.get("/v1/events", headers={"last-event-id": "2"}).text
    numbers = [int(line[4:]) for line in text.splitlines() if line.startswith("id: ")]
    assert numbers == list(range(3, shared.journal.last_seq + 1))
    assert resumed == text


def test_a_follower_of_events_misses_nothing_when_the_daemon_restarts(daemon: Served) -> None:
    daemon.deployed()
    seen: list[EventView] = []
    with daemon.listening() as client:
        events = client.events(follow=True)
        half = daemon.journal.last_seq // 2
        while len(seen) < half:
            seen += [view for view in (next(events),) if view]
    daemon.push(commit="b" * 40)
    daemon.until_quiet()
    with daemon.listening():
        while len(seen) < daemon.journal.last_seq:
            seen += [view for view in (next(events),) if view]
    assert [view.seq for view in seen] == list(range(1, daemon.journal.last_seq + 1))


def test_a_follower_hears_a_beat_while_nothing_happens(shared: Served) -> None:
    events = shared.client.events(shared.journal.last_seq, follow=True)
    assert next(events) is None


def test_a_stream_that_breaks_off_says_that_the_work_goes_on(daemon: Served) -> None:
    daemon.push()
    with daemon.listening() as client:
        messages = client.stream("e1")
        next(messages)
        daemon.operations.close()
        rest = list(messages)
    assert all(message["kind"] != "end" for message in rest)


def test_a_failure_in_the_middle_of_a_stream_is_raised(
    daemon: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.deployed()
    real = daemon.journal.read

    def read(after: int = 0) -> Any:
        yield next(real(after))
        raise JournalError("the journal is damaged")

    monkeypatch.setattr(daemon.journal, "read", read)
    with daemon.listening() as client:
        for told in (client.events(), client.stream("e1")):
            with pytest.raises(JournalError, match="damaged"):
                list(told)


# --- no daemon ------------------------------------------------------------------------------


def test_without_a_daemon_the_client_says_how_to_start_one(daemon: Served) -> None:
    with pytest.raises(SetupError) as caught:
        daemon.client.status()
    assert caught.value.remedy == "start it: tidegate up"
    assert not daemon.client.alive()


def test_another_apps_daemon_at_the_same_port_is_not_ours(daemon: Served, tmp_path: Path) -> None:
    with served(tmp_path / "other") as other, other.listening():
        daemon.home.daemon.write_text(other.home.daemon.read_text())
        assert other.client.alive()
        assert not daemon.client.alive()


def test_a_full_disk_is_told_as_such(daemon: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> Any:
        return open("/dev/full", "r+b", buffering=0)

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with daemon.listening() as client, pytest.raises(SetupError) as caught:
        client.start_execution(source(), commit=COMMIT)
    assert (caught.value.number, "No space left" in caught.value.cause) == ("TG230", True)


def test_a_daemon_that_died_is_not_running(daemon: Served) -> None:
    daemon.home.daemon.write_text('{"pid": 1, "port": 1}')
    with pytest.raises(SetupError, match="not running"):
        daemon.client.status()


def test_a_daemon_that_hangs_up_goes_on_without_the_client(daemon: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        daemon.home.daemon.write_text(f'{{"pid": 1, "port": {listener.getsockname()[1]}}}')
        thread = threading.Thread(target=lambda: listener.accept()[0].close())
        thread.start()
        with pytest.raises(StillRunning):
            daemon.client.status()
        thread.join()
