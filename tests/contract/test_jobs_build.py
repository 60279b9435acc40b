"""Builds, tests and pruning on the real engine."""

import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from docker import DockerClient

from tests.support.engine import containers_of, engine, remove_all_of, shell_id, shell_image
from tests.support.yard import Yard, yard
from tidegate.core.decision import RunTests, ScanImages
from tidegate.core.findings import ScanReport
from tidegate.core.model import App, Build, Service
from tidegate.core.seen import JobState
from tidegate.local import images
from tidegate.local.podman import podman

pytestmark = pytest.mark.engine

Make = Callable[..., Yard]

PAGE: dict[str, str | bytes] = {
    "web/Dockerfile": "FROM scratch\nCOPY page /page\n",
    "web/page": "hello",
}
WEB = Service("web", build=Build("web"))


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    with engine() as found:
        yield found


@pytest.fixture
def make(client: DockerClient, tmp_path: Path) -> Iterator[Make]:
    made: list[Yard] = []

    def one(*services: Service) -> Yard:
        made.append(yard(tmp_path / str(len(made)), client, *services))
        return made[-1]

    yield one
    for each in made:
        remove_all_of(client, each.home.owner)


def content(client: DockerClient, digest: str, path: str) -> bytes:
    """A file of an image."""
    container = client.containers.create(digest, command=["/none"])
    try:
        parts, _ = container.get_archive(path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(parts))) as tar:
            file = tar.extractfile(tar.getmembers()[0])
            assert file is not None
            return file.read()
    finally:
        container.remove(v=True)


def test_a_build_answers_an_image_for_each_service_under_its_name_and_labels(
    make: Make, client: DockerClient
) -> None:
    here = make(WEB)
    here.push("e1", PAGE)
    seen = here.build("e1")
    assert (seen.state, seen.summary) == (JobState.SUCCEEDED, "1 image")
    image = client.images.get(f"localhost/tidegate/{here.app.name}/web:e1")
    assert seen.images == (("web", image.id),)
    assert image.labels["tidegate.io/owner"] == here.home.owner
    assert content(client, str(image.id), "/page") == b"hello"
    assert "web: step 1/" in here.log("e1/build").lower()
    assert here.changed.is_set()


def test_the_same_files_of_another_commit_give_the_same_image(make: Make) -> None:
    here = make(WEB)
    here.push("e1", PAGE, mtime=1_700_000_000)
    here.push("e2", PAGE, mtime=1_700_009_999)
    first, second = here.build("e1"), here.build("e2")
    assert first.images == second.images
    assert second.summary == "1 image, 1 reused"


def test_a_change_gives_a_new_image_of_that_service_alone(make: Make) -> None:
    files = PAGE | {"cats/Dockerfile": "FROM scratch\nCOPY c /c\n", "cats/c": "1"}
    here = make(WEB, Service("cats", build=Build("cats")))
    here.push("e1", files)
    here.push("e2", files | {"cats/c": "2"})
    first, second = dict(here.build("e1").images), here.build("e2")
    assert dict(second.images)["web"] == first["web"]
    assert dict(second.images)["cats"] != first["cats"]
    assert second.summary == "2 images, 1 reused"


def test_services_with_the_same_build_share_one_image(make: Make, client: DockerClient) -> None:
    here = make(WEB, Service("worker", build=Build("web")))
    here.push("e1", PAGE)
    seen = here.build("e1")
    assert len({digest for _, digest in seen.images}) == 1
    assert seen.summary == "1 image"
    worker = client.images.get(f"localhost/tidegate/{here.app.name}/worker:e1")
    assert worker.id == seen.images[0][1]


def test_a_failing_step_is_named_with_its_number_its_exit_code_and_the_last_line(
    make: Make,
) -> None:
    dockerfile = "FROM busybox\nRUN echo compiling; echo no such header; exit 3\n"
    here = make(Service("cats"))
    here.push("e1", {"Dockerfile": dockerfile})
    seen = here.build("e1")
    assert seen.state is JobState.FAILED
    assert seen.summary.startswith("cats: step 2 (RUN echo compiling")
    assert seen.summary.endswith("failed with exit code 3: no such header")
    assert "cats: compiling" in here.log("e1/build")


def test_a_failed_build_leaves_no_container(make: Make, client: DockerClient) -> None:
    before = {found["Id"] for found in client.api.containers(all=True)}
    here = make(Service("cats"))
    here.push("e1", {"Dockerfile": "FROM busybox\nRUN : only here; exit 4\n"})
    here.build("e1")
    left = [found for found in client.api.containers(all=True) if found["Id"] not in before]
    assert not [found for found in left if "only here" in found["Command"]]


def test_a_missing_dockerfile_is_named_and_the_pusher_told_what_to_do(make: Make) -> None:
    here = make(WEB)
    here.push("e1", {"web/page": "x"})
    why = "web: the revision has no web/Dockerfile"
    assert here.build("e1").summary == why
    failed, remedy = here.log("e1/build").splitlines()[-2:]
    assert failed == f"failed: {why}"
    assert remedy.startswith("  remedy  commit a Dockerfile there, or name another one")


def test_a_base_image_that_cannot_be_had_is_told_with_its_line(make: Make) -> None:
    here = make(Service("cats"))
    here.push("e1", {"Dockerfile": "# ours\nFROM localhost/tidegate/nowhere:1\n"})
    assert here.build("e1").state is JobState.FAILED
    assert "\n  where   Dockerfile:2\n  remedy  check the name" in here.log("e1/build")


def test_the_base_of_an_image_is_resolved_and_said(make: Make) -> None:
    here = make(Service("cats"))
    here.push("e1", {"Dockerfile": "FROM busybox\nRUN echo built\n"})
    assert here.build("e1").state is JobState.SUCCEEDED
    assert "cats: FROM busybox -> stand-in from Debian" in here.log("e1/build")


def test_build_arguments_and_the_dockerignore_file_are_honoured(
    make: Make, client: DockerClient
) -> None:
    dockerfile = (
        "FROM busybox\nARG WORD\nCOPY . /src\nRUN echo $WORD > /word; echo /src/* > /list\n"
    )
    files: dict[str, str | bytes] = {
        "Dockerfile": dockerfile,
        ".dockerignore": "*.key\nDockerfile\n!public.key\n",
        "secret.key": "s",
        "public.key": "p",
    }
    here = make(Service("cats", build=Build(args=(("WORD", "miau"),))))
    here.push("e1", files)
    digest = dict(here.build("e1").images)["cats"]
    assert content(client, digest, "/word") == b"miau\n"
    assert b"secret.key" not in content(client, digest, "/list")
    assert b"public.key" in content(client, digest, "/list")


def test_a_ready_image_is_taken_from_this_engine(make: Make, client: DockerClient) -> None:
    here = make(Service("db", build=Build(image=shell_image(client))))
    here.push("e1", {"README": ""})
    assert here.build("e1").images == (("db", shell_id(client)),)


def test_an_image_that_is_nowhere_is_an_error_that_says_so(make: Make) -> None:
    here = make(Service("db", build=Build(image="localhost/tidegate/nowhere:1")))
    here.push("e1", {"README": ""})
    seen = here.build("e1")
    assert seen.state is JobState.FAILED
    assert seen.summary.startswith("db: there is no image localhost/tidegate/nowhere:1 here")


def test_a_registry_that_says_nothing_is_given_up() -> None:
    never = threading.Event()

    def silent() -> Iterator[dict[str, object]]:
        yield {"status": "connecting"}
        never.wait(20)

    lines = list(images.within(silent(), 0.1))
    never.set()
    assert lines[-1] == {"error": "the registry said nothing for 0.1 s"}


def test_passing_tests_pass_and_log_their_output(make: Make, client: DockerClient) -> None:
    here = make(Service("cats", test=("/bin/sh", "-c", "echo all fine")))
    here.push("e1", {})
    seen = here.test("e1", (("cats", shell_id(client)),))
    assert (seen.state, seen.summary) == (JobState.SUCCEEDED, "the tests of 1 service passed")
    assert "cats: all fine" in here.log("e1/test")


def test_failing_tests_say_their_exit_code_and_last_line(make: Make, client: DockerClient) -> None:
    here = make(Service("cats", test=("/bin/sh", "-c", "echo 2 failed; exit 2")))
    here.push("e1", {})
    seen = here.test("e1", (("cats", shell_id(client)),))
    assert seen.state is JobState.FAILED
    assert seen.summary == "tests of cats failed with exit code 2: 2 failed"


def test_a_test_container_is_hardened_without_network_and_goes_away(
    make: Make, client: DockerClient
) -> None:
    script = "read l < /proc/self/status; while read k v; do echo $k $v; done < /proc/self/status"
    script += "; echo ifs /sys/class/net/*; echo x > /file || echo read only"
    here = make(Service("cats", test=("/bin/sh", "-c", script)))
    here.push("e1", {})
    assert here.test("e1", (("cats", shell_id(client)),)).state is JobState.SUCCEEDED
    log = here.log("e1/test")
    assert "cats: CapEff: 0000000000000000" in log
    assert "cats: NoNewPrivs: 1" in log
    assert "cats: ifs /sys/class/net/lo\n" in log
    assert "cats: read only" in log
    assert containers_of(client, here.home.owner) == []


def test_tests_that_never_end_are_killed_at_the_time_limit(
    make: Make, client: DockerClient
) -> None:
    here = make(Service("cats", test=("/bin/sh", "-c", "while :; do :; done")))
    here.app = quick(here.app, 1_000)
    here.push("e1", {})
    seen = here.test("e1", (("cats", shell_id(client)),))
    assert seen.summary == "tests of cats were not done in 1 s"


def test_what_a_crash_left_of_a_trial_does_not_stand_in_the_way(
    make: Make, client: DockerClient
) -> None:
    here = make(Service("cats", test=("/bin/sh", "-c", "exit 0")))
    here.push("e1", {})
    name = f"tidegate-{here.home.owner}-test-e1-cats"
    label = {"tidegate.io/owner": here.home.owner}
    client.containers.create(shell_id(client), name=name, labels=label)
    assert here.test("e1", (("cats", shell_id(client)),)).state is JobState.SUCCEEDED


def test_a_command_that_is_not_in_the_image_is_said(make: Make, client: DockerClient) -> None:
    here = make(Service("cats", test=("/bin/pytest",)))
    here.push("e1", {})
    seen = here.test("e1", (("cats", shell_id(client)),))
    assert seen.summary.startswith("tests of cats ")
    assert "/bin/pytest" in seen.summary


def test_pruning_keeps_what_is_kept_or_used_and_touches_no_other_app(
    make: Make, client: DockerClient
) -> None:
    here, other = make(WEB), make(WEB)
    digests = []
    for number in (1, 2, 3):
        here.push(f"e{number}", PAGE | {"web/page": f"{here.home.owner} {number}"})
        digests.append(here.build(f"e{number}").images[0][1])
    other.push("e9", PAGE | {"web/page": other.home.owner})
    others = other.build("e9").images[0][1]
    client.containers.create(digests[1], command=["/none"], labels=mine(here))
    here.jobs.prune((digests[0],))
    left = images.owned(client, here.home.owner)
    assert set(left) == {digests[0], digests[1]}
    assert set(images.owned(client, other.home.owner)) == {others}


def test_pruning_drops_the_sources_that_no_kept_release_and_no_execution_needs(make: Make) -> None:
    here = make(WEB)
    for execution in ("e1", "e2", "e3"):
        here.push(execution, PAGE | {"web/page": f"{here.home.owner} {execution}"})
    here.release(1, "e1", here.build("e1").images[0][1])
    here.finish("e1")
    here.finish("e2")
    here.home.source("e4").write_bytes(b"not in the journal yet")
    here.jobs.prune((here.progress.releases[1].digest,))
    left = {e for e in ("e1", "e2", "e3", "e4") if here.home.source(e).exists()}
    assert left == {"e1", "e3", "e4"}


def test_without_a_scanner_nothing_is_known_of_an_image(make: Make) -> None:
    here = make(WEB)
    seen = here.run(ScanImages("e1/scan", "e1", (("web", "sha256:a"), ("cats", "sha256:a"))))
    assert seen.state is JobState.SUCCEEDED
    assert seen.reports == (ScanReport("sha256:a", None, "no scanner is set up"),)


def test_a_job_is_started_once_and_again_only_after_a_restart(
    make: Make, client: DockerClient
) -> None:
    here = make(Service("cats", test=("/bin/sh", "-c", "echo ran")))
    here.push("e1", {})
    job = RunTests("e1/test", "e1", here.app.services, (("cats", shell_id(client)),))
    here.run(job)
    here.run(job)
    assert here.log("e1/test").count("cats: ran") == 1
    assert here.restarted().observe() == {}
    here.run(job)
    assert here.log("e1/test").count("cats: ran") == 2


def test_a_damaged_source_fails_the_build_with_its_place(make: Make) -> None:
    here = make(WEB)
    here.push("e1", PAGE)
    here.home.source("e1").write_bytes(b"no tar")
    seen = here.build("e1")
    assert seen.state is JobState.FAILED
    assert seen.summary.startswith("the source of this revision cannot be read")


def mine(here: Yard) -> dict[str, str]:
    return {"tidegate.io/owner": here.home.owner}


def quick(app: App, stage_timeout_ms: int) -> App:
    """The app with less time for each stage."""
    return replace(app, pipeline=replace(app.pipeline, stage_timeout_ms=stage_timeout_ms))


def test_what_is_no_dockerfile_is_refused_in_the_builder_s_own_words(
    make: Make, client: DockerClient
) -> None:
    begins, words = (
        ("web: the build failed: ", "no from statement")
        if podman(client)
        else ("web: the builder refuses the Dockerfile: ", "unknown instruction: form")
    )
    here = make(WEB)
    here.push("e1", {"web/Dockerfile": "FORM scratch\n"})
    seen = here.build("e1")
    assert seen.state is JobState.FAILED
    assert seen.summary.startswith(begins)
    assert words in seen.summary.lower()
    assert "400 Client Error" not in seen.summary
