"""What Podman says and does otherwise than Docker, without either."""

from collections.abc import Iterator
from typing import Any

import pytest
from docker.errors import APIError
from requests import Response

from tests.support.images_made import FakeEngine, Made, layer
from tidegate.core.errors import BuildError
from tidegate.core.model import Service
from tidegate.local import images
from tidegate.local.containers.creation import hardening
from tidegate.local.containers.failures import gone, name_taken, refusal
from tidegate.local.containers.watcher import Watcher
from tidegate.local.jobs.build import _Output
from tidegate.local.podman import Podman, told_by
from tidegate.scan.archive.engine import EngineImage
from tidegate.scan.archive.limits import DEFAULT


def version(name: str, number: str) -> dict[str, Any]:
    return {"Components": [{"Name": name, "Version": number}, {"Name": "Conmon"}]}


def test_podman_is_known_by_its_own_word() -> None:
    assert told_by(version("Podman Engine", "4.3.1")) == Podman(4)
    assert told_by(version("Podman Engine", "of the day")) == Podman(0)
    assert told_by(version("Engine", "27.0.1")) is None
    assert told_by({}) is None


def test_what_tasks_lack_is_less_since_podman_5() -> None:
    assert any("killed" in lack for lack in Podman(4).lacks)
    assert [lack for lack in Podman(5).lacks if "killed" in lack] == []
    assert any("reach each other" in lack for lack in Podman(5).lacks)


def test_a_mount_belongs_to_the_user_on_either_engine() -> None:
    on_docker = hardening(Service("cats"), "5:6", podman=False)["tmpfs"]
    on_podman = hardening(Service("cats"), "www", podman=True)["tmpfs"]
    assert {options.rpartition("size=")[2].partition(",")[2] for options in on_docker.values()} == {
        "uid=5,gid=6"
    }
    assert {options.rpartition(",")[2] for options in on_podman.values()} == {"U"}


def refused(text: str, status: int = 500) -> APIError:
    answer = Response()
    answer.status_code = status
    return APIError("", response=answer, explanation=text)


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("network name x already used: network already exists", True),
        ("that name is already in use", True),
        ("listen tcp4 127.0.0.1:80: bind: address already in use", False),
    ],
)
def test_a_name_in_use_is_known_though_the_status_says_otherwise(said: str, taken: bool) -> None:
    assert name_taken(refused(said)) is taken
    assert name_taken(refused("", 409))


def test_a_container_that_has_just_gone_is_known_though_the_status_says_otherwise() -> None:
    assert gone(refused("container 4c5 does not exist in database: no such container"))
    assert gone(refused("", 404))
    assert not gone(refused("database is locked"))


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("container-init binary not found on the host: stat /x: no such file", "catatonit"),
        ("runc create failed: error setting rlimit type 6: not permitted", "default_ulimits"),
    ],
)
def test_a_refusal_of_podman_has_its_remedy(said: str, remedy: str) -> None:
    assert remedy in refusal("task t1 cannot start", refused(said)).remedy


BUILDAH = (
    "[2/2] STEP 1/3: FROM localhost/base:1\n",
    "[2/2] STEP 2/3: COPY . /app/\n",
    "--> Using cache 36686491df1f1b29bec9494b240dc235fe9071f49f49caa2c9bc337e30d6fb22\n",
    "--> 36686491df1\n",
    "[2/2] STEP 3/3: RUN make\n",
    "compiling\nno such header\n",
)
FAILED = 'building at STEP "RUN make": while running runtime: exit status 3\n'


def test_what_buildah_says_is_read_as_the_other_builder() -> None:
    said: list[str] = []
    lines: list[dict[str, Any]] = [{"stream": text} for text in BUILDAH]
    with pytest.raises(BuildError) as caught:
        _Output(said.append).read(iter([*lines, {"error": FAILED}]), 60_000)
    assert caught.value.what == "step 3 (RUN make) failed with exit code 3: no such header"
    assert not any(line.startswith("--> 3") for line in said)


def test_the_end_of_a_build_by_buildah_is_an_image_without_noise() -> None:
    said: list[str] = []
    digest = "6916f4432febe2513988e009fcac70ed233e59616dd456e939a6388e561fa54d"
    lines: Iterator[dict[str, Any]] = iter(
        [
            {"stream": 'STEP 2/2: LABEL "tidegate.io/owner"="me"\n'},
            {"stream": "COMMIT\n"},
            {"stream": f"{digest}\n"},
            {"aux": {"ID": f"sha256:{digest}"}},
            {"stream": f"Successfully built {digest[:12]}\n"},
        ]
    )
    assert _Output(said.append).read(lines, 60_000) == f"sha256:{digest}"
    assert said == [f"Successfully built {digest[:12]}"]


def test_an_image_has_one_label_for_buildah_orders_several_by_chance() -> None:
    assert images.image_labels("me") == {"tidegate.io/owner": "me"}


class Forgetful(FakeEngine):
    """An engine that breaks on the history of its image."""

    def history(self, image: str) -> Any:
        raise refused("nil pointer dereference")


def test_an_image_whose_history_cannot_be_had_is_read_without_the_names_of_its_steps() -> None:
    image = EngineImage(Forgetful(Made([layer({"a": b"1"})])), "made:1", DEFAULT)
    assert image.description.steps == ("",)
    assert len(image.description.diff_ids) == 1


class Lister:
    """Lists nothing after so many failures."""

    def __init__(self, failures: int, said: str) -> None:
        self.failures, self.said = failures, said
        self.api = self

    def containers(self, **_: Any) -> list[dict[str, Any]]:
        self.failures -= 1
        if self.failures >= 0:
            raise refused(self.said)
        return []


def test_a_list_that_fails_because_one_has_just_gone_is_asked_for_again() -> None:
    gone = "container 4c5 does not exist in database: no such container"
    for failures in (0, 1, 4):
        looking: Any = Watcher(Lister(failures, gone), "me", lambda known: None)  # type: ignore[arg-type]
        looking._look()
        assert looking.known() == {}
    for failures, said in ((5, gone), (1, "database is locked")):
        broken: Any = Watcher(Lister(failures, said), "me", lambda known: None)  # type: ignore[arg-type]
        with pytest.raises(APIError):
            broken._look()
