"""The oldest Python that we run on, Debian 12's own 3.11.2, as far as it lacks what we might use.

Source: the tarfile module's documentation, "Extraction filters": new in 3.11.4.
"""

import inspect
import tarfile
from typing import Any

import pytest


def without_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `tarfile` know no extraction filters, as before 3.11.4."""
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    for name in ("extract", "extractall"):
        monkeypatch.setattr(tarfile.TarFile, name, _older(getattr(tarfile.TarFile, name)))


def _older(newer: Any) -> Any:
    knows = "filter" in inspect.signature(newer).parameters

    def older(tar: tarfile.TarFile, *words: Any, **named: Any) -> None:
        if "filter" in named:
            raise TypeError("got an unexpected keyword argument 'filter'")
        newer(tar, *words, **named, **({"filter": "fully_trusted"} if knows else {}))

    return older
