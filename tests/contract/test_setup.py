"""What is found out of this machine, with its engine and its programs."""

import socket
from pathlib import Path

import pytest

from tidegate.local.engine_socket import connect, find_engine
from tidegate.local.setup.facts import EngineFacts, gather

pytestmark = pytest.mark.engine


def test_the_engine_of_this_machine_is_found_and_speaks() -> None:
    client = connect(find_engine())
    assert client.ping()
    client.close()


@pytest.mark.haproxy
def test_the_facts_of_this_machine_are_gathered_without_leaving_anything(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        facts = gather(tmp_path / "not-yet", [("127.0.0.1", port)])
    assert isinstance(facts.engine, EngineFacts)
    assert not facts.engine.start
    assert facts.haproxy and facts.git and facts.haproxy.version and facts.git.version
    assert facts.ports[0][2]
    assert list(Path(tmp_path).iterdir()) == []
