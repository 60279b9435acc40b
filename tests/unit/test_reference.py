"""The generated pages are current, and nothing that a person may meet is left out."""

import re
from pathlib import Path

import pytest
from starlette.routing import Route

from tests.support.served import served
from tidegate.api.app import create
from tidegate.cli import reference
from tidegate.cli.advice import advice
from tidegate.cli.codes import CODES
from tidegate.core import decision as d
from tidegate.engine.codec import EVENTS, decode, encode
from tidegate.engine.views.sentences import sentence

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tidegate"


@pytest.mark.parametrize("name", reference.pages())
def test_a_generated_page_is_current(name: str) -> None:
    written = (reference.FOLDER / name).read_text()
    assert written == reference.pages()[name], "run: make docs"


def test_every_code_in_the_source_is_explained_and_no_other() -> None:
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        if path != SOURCE / "cli" / "codes.py":
            found |= set(re.findall(r"\"(TG\d{3})\"", path.read_text()))
    assert found == set(CODES)


def test_every_endpoint_is_documented_and_no_other(tmp_path: Path) -> None:
    with served(tmp_path) as daemon:
        app = create(daemon.operations, token="x", metrics=str)
    answered = {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    documented = re.findall(r"^### (\w+ \S+)$", (reference.FOLDER / "api.md").read_text(), re.M)
    assert answered == set(documented)
    assert len(documented) == len(answered)


@pytest.mark.parametrize("kind", EVENTS.values(), ids=lambda kind: str(kind.__name__))
def test_every_event_has_a_sentence_that_names_what_it_is_about(kind: type[d.Event]) -> None:
    event = reference.sample(kind)
    said = sentence(event)
    assert said
    assert "None" not in said
    assert "\n" not in said
    assert not said.endswith(".")
    for field in ("execution", "deployment", "task", "alarm"):
        assert str(getattr(event, field, "")) in said


@pytest.mark.parametrize("kind", EVENTS.values(), ids=lambda kind: str(kind.__name__))
def test_the_sample_of_every_event_is_one_that_the_journal_can_hold(kind: type[d.Event]) -> None:
    event = reference.sample(kind)
    assert decode(encode(event)) == event


def test_explain_says_what_to_do_about_an_error_of_every_class() -> None:
    families = {known.family for known in CODES.values()}
    assert len({advice(family) for family in families}) == len(families)
