"""Commands about Tidegate itself: explain, schema, version."""

import json
from importlib.metadata import version as version_of
from typing import Annotated

import typer
from rich.markup import escape

from tidegate.cli.advice import advice
from tidegate.cli.codes import CODES, nearest
from tidegate.cli.output import AsJson, result
from tidegate.core.errors import NotFound
from tidegate.spec import json_schema


def explain(
    code: Annotated[str, typer.Argument(help="The code of an error: TG204.")],
    as_json: AsJson = False,
) -> None:
    """Say what an error means, and what to do about it."""
    name = code.upper()
    known = CODES.get(name)
    if known is None:
        raise NotFound(
            f"there is no error {name[:20]}",
            remedy=f"the nearest: {nearest(name)}",
            code="TG727",
        )
    family = f"{known.family.__name__}, exit code {known.family.exit_code}"
    remedy = advice(known.family)
    shown = f"[bold]{name}[/]  {known.meaning}\n\n{family}\nremedy  {escape(remedy)}"
    value = {"code": name, "meaning": known.meaning, "class": family, "remedy": remedy}
    result(value, shown, as_json)


def schema() -> None:
    """Print the JSON Schema of tidegate.yaml, for editors."""
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def version() -> None:
    """Print Tidegate's version."""
    print(version_of("tidegate"))
