"""Whatever is given to `loads`: an App or an AppFileError, and nothing else."""

import copy
import json
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.app_files import EVERYTHING
from tests.unit.test_spec_schema import MODELS
from tidegate.core.errors import AppFileError
from tidegate.core.model import App
from tidegate.spec import loads
from tidegate.spec.app import AppKeys
from tidegate.spec.source import parse

KEYS = sorted({name for keys in MODELS for name in keys.model_fields})
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["off", "1s", "128MiB", "/", "LINEAR", "x", "PRE_SCALE_UP", "..", "<<"])
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=20,
)


def outcome(text: str | bytes) -> App | AppFileError:
    try:
        return loads(text)
    except AppFileError as error:
        str(error).encode()  # it can be printed
        return error


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_text_is_an_app_or_an_error(text: str | bytes) -> None:
    assert isinstance(outcome(text), App | AppFileError)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab:-?,[]{}&*!|>'\"%@#\n \t<~.1e", max_size=80))
def test_any_text_of_yamls_own_signs_is_an_app_or_an_error(text: str) -> None:
    assert isinstance(outcome(f"app: x\nservices:\n  a: {text}"), App | AppFileError)


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_any_structure_is_an_app_or_an_error(value: Any) -> None:
    assert isinstance(outcome(json.dumps(value)), App | AppFileError)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [path] if path else []
    for key, item in inner if isinstance(value, dict | list) else ():
        found += places(item, (*path, key)) if isinstance(item, dict | list) else [(*path, key)]
    return found


WHOLE: Any = parse(EVERYTHING, "whole").data
PLACES = places(WHOLE)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(PLACES), VALUES)
def test_any_value_in_any_place_is_an_app_or_an_error(path: tuple[Any, ...], value: Any) -> None:
    data = copy.deepcopy(WHOLE)
    below = data
    for part in path[:-1]:
        below = below[part]
    below[path[-1]] = value
    text = json.dumps(data)
    result = outcome(text)
    assert isinstance(result, App | AppFileError)
    if isinstance(result, App):
        assert AppKeys.model_validate(parse(text, "again").data).core() == result
        assert outcome(yaml.safe_dump(data, sort_keys=False)) == result or "\\" in text
