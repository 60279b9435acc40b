"""`python -m tidegate` is `tidegate`."""

from tidegate.cli.main import run

run()
