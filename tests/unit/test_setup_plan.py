"""What `tidegate setup` would do on many machines."""

from dataclasses import replace

import pytest

from tidegate.core.errors import SetupError
from tidegate.local.setup import Step, plan_setup, run_setup
from tidegate.local.setup.machine import Machine
from tidegate.local.setup.programs import Program, version_in
from tidegate.local.setup.steps import StepKind

READY = Machine(
    root=True,
    apt=True,
    dockerd=True,
    engine="unix:///var/run/docker.sock",
    haproxy=Program("/usr/sbin/haproxy", (2, 6, 12)),
    git=Program("/usr/bin/git", (2, 39, 5)),
)
BARE = Machine(root=True, apt=True)


def kinds(machine: Machine) -> list[StepKind]:
    return [step.kind for step in plan_setup(machine)]


def test_nothing_is_done_on_a_machine_that_is_ready() -> None:
    assert plan_setup(READY) == []


def test_a_bare_debian_gets_packages_and_then_an_engine() -> None:
    packages, engine = plan_setup(BARE)
    assert packages.packages == ("docker.io", "haproxy", "git", "ca-certificates")
    assert "docker.io haproxy git ca-certificates" in packages.what
    assert engine.kind is StepKind.DOCKERD


def test_systemd_starts_the_engine_where_it_is() -> None:
    assert kinds(replace(BARE, systemd=True)) == [StepKind.APT, StepKind.SYSTEMD]


def test_where_podman_is_and_docker_is_not_its_socket_is_started() -> None:
    (step,) = plan_setup(replace(READY, engine=None, dockerd=False, podman=True, systemd=True))
    assert (step.kind, step.unit) == (StepKind.SYSTEMD, "podman.socket")
    packages, _ = plan_setup(replace(BARE, podman=True))  # nothing there keeps a service
    assert "docker.io" in packages.packages
    steps = plan_setup(replace(READY, root=False, engine=None, dockerd=False, podman=True))
    assert "podman.socket" in steps[0].what and "Docker" not in steps[0].what


def test_an_engine_that_is_installed_and_stopped_is_only_started() -> None:
    assert kinds(replace(READY, engine=None)) == [StepKind.DOCKERD]


def test_only_what_is_missing_or_too_old_is_installed() -> None:
    old = replace(READY, haproxy=Program("/usr/sbin/haproxy", (2, 4)), git=None)
    (step,) = plan_setup(old)
    assert step.packages == ("haproxy", "git", "ca-certificates")


def test_no_engine_is_installed_beside_one_that_the_user_names() -> None:
    assert kinds(replace(READY, engine=None, named=True)) == [StepKind.MANUAL]


def test_without_root_the_haproxy_of_a_wheel_is_taken_and_the_rest_is_explained() -> None:
    steps = plan_setup(replace(BARE, root=False))
    assert [s.kind for s in steps] == [StepKind.WHEEL] + [StepKind.MANUAL] * 3
    assert "as root" in steps[-1].what


def test_an_engine_that_this_user_may_not_use_is_not_to_be_installed_again() -> None:
    closed = replace(READY, root=False, engine=None, closed="join the group docker")
    (step,) = plan_setup(closed)
    assert (step.kind, step.what) == (StepKind.MANUAL, "join the group docker")


def test_a_mac_is_told_what_to_brew() -> None:
    steps = plan_setup(Machine(system="Darwin", processor="arm64"))
    assert {s.kind for s in steps} == {StepKind.MANUAL}
    assert all("brew" in s.what for s in steps)


def test_what_only_the_user_can_do_is_an_error_that_lists_it() -> None:
    steps = [Step(StepKind.MANUAL, "brew install git"), Step(StepKind.MANUAL, "start Docker")]
    with pytest.raises(SetupError) as caught:
        run_setup(steps, lambda line: None)
    assert caught.value.number == "TG215"
    assert caught.value.remedy == "brew install git; start Docker"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("HAProxy version 2.6.12-1+deb12u1 2023/12/16 - https://haproxy.org/", (2, 6, 12)),
        ("HA-Proxy version 2.2.9-2+deb11u6 2023/12/10", (2, 2, 9)),
        ("git version 2.39.5 (Apple Git-154)", (2, 39, 5)),
        ("not a version", ()),
    ],
)
def test_the_version_is_read_out_of_what_a_program_says(
    text: str, version: tuple[int, ...]
) -> None:
    assert version_in(text) == version
