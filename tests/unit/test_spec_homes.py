"""A key in the wrong place is told where it belongs."""

import pytest

from tidegate.core.errors import AppFileError
from tidegate.spec import loads

WEB = "app: shop\nservices:\n  web:\n    build: .\n"


def remedy(text: str) -> str:
    with pytest.raises(AppFileError, match="there is no such key") as caught:
        loads(text)
    return caught.value.remedy


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("scaling: 150", "it belongs under `services.NAME`"),
        ("health: /health", "it belongs under `services.NAME`"),
        ("build: .", "it belongs under `services.NAME`"),
        ("test_port: 9001", "it belongs under `listener`"),
        ("threshold: 5", "it belongs under `alarms.NAME`"),
        ("bake: 5m", "it belongs under `deployment` or under `services.NAME.deployment`"),
        ("port: 80", "it belongs under `listener` or under `services.NAME`"),
    ],
)
def test_a_key_at_the_top_that_belongs_further_down(line: str, where: str) -> None:
    assert remedy(f"{WEB}{line}\n") == where


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("alarms: {}", "it belongs at the top"),
        ("gate: off", "it belongs at the top"),
        (
            "max: 2",
            "it belongs under `services.web.tasks` or under `services.web.deployment.breaker`",
        ),
        ("path: /x", "it belongs under `services.web.health` or under `services.web.route`"),
        ("bake: 5m", "it belongs under `services.web.deployment` or under `deployment`"),
    ],
)
def test_a_key_of_a_service_that_belongs_elsewhere(line: str, where: str) -> None:
    assert remedy(f"{WEB}    {line}\n") == where


def test_a_mapping_that_is_a_level_too_deep() -> None:
    text = f"{WEB}    health: {{path: /, scaling: 150}}\n"
    assert remedy(text) == "it belongs under `services.web`"


def test_a_key_that_is_nowhere_is_still_compared_with_those_that_are_here() -> None:
    assert remedy(f"{WEB}    helth: /x\n") == "did you mean `health`?"
    assert remedy(f"{WEB}    wobble: 1\n").startswith("known keys: build, ")


def test_a_key_that_is_elsewhere_and_like_one_that_is_here_is_told_both() -> None:
    text = f"{WEB}capacity: {{providers: {{a: {{}}}}, strategy: []}}\n"
    assert remedy(text).endswith(".deployment`, or you mean `default_strategy`")
