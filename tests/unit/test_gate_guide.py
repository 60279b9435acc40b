"""The guide to the gate promises nothing without a test, and its examples load."""

import re
from pathlib import Path

from tidegate.core.model import GatePolicy
from tidegate.simulator.scenarios import SCENARIOS
from tidegate.spec import loads

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "gate.md").read_text()
FILES = dict(re.findall(r"`\[(\w+)\]`\s+(?:is\s+)?`([\w/.]+)`", GUIDE))


def source_of(name: str) -> str:
    """The source of the tests that a short name of the guide stands for."""
    path = FILES[name]
    return (ROOT / (path if "/" in path else f"tests/unit/{path}")).read_text()


def cited() -> list[tuple[str, str]]:
    """(file, sentence) of every test that the guide names."""
    found, last = [], ""
    for name, several in re.findall(r"\[(\w+)\] ([^)|]+)[)|]", " ".join(GUIDE.split())):
        for part in several.split("; "):
            other = re.match(r"\[(\w+)\] (.+)", part)
            last = other[1] if other else name
            found.append((last, (other[2] if other else part).strip()))
    return found


def test_every_promise_of_the_guide_names_a_test_that_is_there() -> None:
    missing = []
    for name, sentence in cited():
        if name == "sim":
            there = sentence in SCENARIOS
        else:
            there = f"def test_{re.sub('[^a-z]+', '_', sentence.lower())}(" in source_of(name)
        missing += [] if there else [f"[{name}] {sentence}"]
    assert missing == []
    assert len(cited()) > 25


def examples() -> list[str]:
    return [part.split("```")[0] for part in GUIDE.split("```yaml\n")[1:]]


def test_the_examples_of_the_guide_load() -> None:
    gates = [loads(f"app: x\nservices: {{cats: {{}}}}\n{text}").gate for text in examples()]
    assert len(gates) == 2
    assert gates[0] == GatePolicy()
