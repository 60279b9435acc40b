"""A short proof on Podman, where it is installed: what differs most from Docker.

`pytest --podman -m engine` runs everything of the container engine on it.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from docker import DockerClient

from tests.contract.test_tasks import healthy, stopped
from tests.support import podman as service
from tests.support.engine import shell_id
from tests.support.tasks_bench import ContainerBench, Nature
from tests.support.yard import yard
from tidegate.core.model import Build, Service
from tidegate.core.seen import JobState
from tidegate.local.home import Home
from tidegate.local.podman import podman
from tidegate.scan.archive.engine import EngineImage
from tidegate.scan.archive.limits import DEFAULT

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", name="client")
def _client(pytestconfig: pytest.Config) -> Iterator[DockerClient]:
    if why := service.why_not():
        pytest.skip(why)
    if pytestconfig.getoption("--podman"):
        pytest.skip("the other tests of the engine run on Podman, too")
    with (
        service.podman_service() as url,
        closing(DockerClient(base_url=url, timeout=service.CALL_S)) as client,
    ):
        yield client


@pytest.fixture(name="bench")
def _bench(client: DockerClient, tmp_path: Path) -> Iterator[ContainerBench]:
    bench = ContainerBench(client, Home(tmp_path / "home").create(), shell_id(client))
    yield bench
    bench.tasks.close()


def test_a_task_starts_once_answers_stops_and_goes(bench: ContainerBench) -> None:
    assert podman(bench.client)
    for _ in range(2):
        bench.tasks.start(bench.start("t1"))
    before = bench.wait_for("t1", healthy)
    assert before.address and before.address.startswith("127.0.0.1:")
    assert bench.inside("t1", "echo x >/run/f && echo x >/tmp/f && cat /run/f") == "x\n"
    bench.tasks.stop("t1", 5_000)
    bench.wait_for("t1", stopped)
    bench.tasks.remove("t1")
    bench.wait_until_gone("t1")


def test_a_command_that_is_not_there_is_said_to_be(bench: ContainerBench) -> None:
    action = bench.start("t2", Nature.CRASHES)
    wrong = replace(action.service, command=("/no/such/program",))
    bench.tasks.start(replace(action, service=wrong))
    assert "`command`" in bench.wait_for("t2", stopped).note


def test_the_same_files_give_the_same_image_and_a_failing_step_is_named(
    client: DockerClient, tmp_path: Path
) -> None:
    here = yard(tmp_path / "home", client, Service("web", build=Build("web")))
    files = {
        "web/Dockerfile": "FROM busybox\nCOPY page /page\nRUN echo made >/x\n",
        "web/page": "a",
    }
    here.push("e1", dict(files), mtime=1_700_000_000)
    here.push("e2", dict(files), mtime=1_700_009_999)
    first, second = here.build("e1"), here.build("e2")
    assert second.state is JobState.SUCCEEDED
    assert second.images == first.images
    assert second.summary == "1 image, 1 reused"
    found = EngineImage(client.api, first.images[0][1], DEFAULT)
    assert [step.partition(" ")[0] for step in found.description.steps if step][-2:] == [
        "COPY",
        "RUN",
    ]
    here.push("e3", {"web/Dockerfile": "FROM busybox\nRUN echo no such header; exit 3\n"})
    assert here.build("e3").summary.endswith("failed with exit code 3: no such header")
