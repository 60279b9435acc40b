"""The app file at the edge: `tidegate.yaml` in, `core.model.App` out, and errors that help.

    yaml12, source              YAML with the place of everything
    keys, kinds, units, days    what a mapping, a value, a time and a size are
    app, service, release,      the keys themselves, each with its meaning and default
      deployment, strategy,
      alarm, gate, waiver
    describe                    any key by its path: what is expected there
    load, explain, checks       the whole way in, and what can be wrong on it
    schema, reference           the same keys for editors and for readers
    init, draft, dockerfile,    a first file from what is there
      compose, taskdef, files
    waivers                     what other tools' files say of findings that may stand
    edit                        a waiver put into the file, and nothing else changed
    plan, flatten, warnings     what a new file would change

To add a key: a field in its mapping with `key(default, meaning, example)`, a line in that mapping's
`core`, a value in `tests/support/app_files.py`, and `python -m tidegate.spec.reference`.
"""

from tidegate import FILE_NAME
from tidegate.spec.init import propose
from tidegate.spec.load import load, loads
from tidegate.spec.plan import Plan, lines, plan
from tidegate.spec.schema import json_schema

__all__ = ["FILE_NAME", "Plan", "json_schema", "lines", "load", "loads", "plan", "propose"]
