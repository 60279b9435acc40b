"""The code of the functions in the account, built from this package: one source of truth.

The modules are those that the handlers import, found by reading them, so nothing can be forgotten
and nothing is copied by hand. Two forms of the same files:

* `function.zip`: the sources as they are, for an upload; readable in Lambda's console.
* `index.py`: one file for a template's `ZipFile`. It holds the same modules without docstrings,
  packed, and imports them from a zip in /tmp; `tidegate aws bundle` shows what is in it.

Both are the same bytes on every machine: names sorted, times fixed.
"""

import ast
import base64
import hashlib
import io
import lzma
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

HANDLERS = {
    "gate": "tidegate.aws.gate_function",
    "hook": "tidegate.aws.hook_function",
    "deploy": "tidegate.aws.deploy_function",
}
"""Each function's module. In `index.py` they are `index.gate`, `index.hook`, `index.deploy`."""

ZIP, INLINE = "function.zip", "index.py"
MOST_INLINE_BYTES = 26_000
"""For one function: a template may have 51,200 bytes, and its resources need the rest."""

_SOURCE = Path(__file__).parents[1]
_EPOCH = (1980, 1, 1, 0, 0, 0)
_LOADER = '''"""{title}"""
import base64, lzma, os, sys
_P = "/tmp/tidegate-{digest}.zip"
if not os.path.exists(_P):
    with open(_P + str(os.getpid()), "wb") as _f:
        _f.write(lzma.decompress(base64.b85decode("{packed}")))
    os.replace(_P + str(os.getpid()), _P)
sys.path.insert(0, _P)
{imports}
'''


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was built. `digest` is that of the zip; `modules` are what is in both."""

    zip: bytes
    inline: str
    digest: str
    modules: tuple[str, ...]


def build(handlers: Iterable[str] = tuple(HANDLERS)) -> Bundle:
    """The bundle with the named functions of `HANDLERS`."""
    named = {name: HANDLERS[name] for name in sorted(handlers)}
    files = _sources(named.values())
    whole = _zip(files, zipfile.ZIP_DEFLATED)
    digest = hashlib.sha256(whole).hexdigest()
    return Bundle(whole, _inline(files, named, digest), digest, tuple(sorted(files)))


def packed(modules: Iterable[str]) -> bytes:
    """A zip of these modules and all that they import of tidegate, sources as they are."""
    return _zip(_sources(modules), zipfile.ZIP_DEFLATED)


def write(folder: Path) -> Bundle:
    """Write both forms of all functions into `folder`."""
    bundle = build()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ZIP).write_bytes(bundle.zip)
    (folder / INLINE).write_text(bundle.inline)
    return bundle


def _inline(files: Mapping[str, str], named: Mapping[str, str], digest: str) -> str:
    small = {path: _minified(text) for path, text in files.items()}
    packed = lzma.compress(
        _zip(small, zipfile.ZIP_STORED),
        format=lzma.FORMAT_ALONE,
        filters=[{"id": lzma.FILTER_LZMA1, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "lp": 0}],
    )
    lines = [f"from {module} import handler as {name}" for name, module in named.items()]
    return _LOADER.format(
        title=f"Built by tidegate.aws.bundle from {len(files)} modules of tidegate.",
        digest=digest[:16],
        packed=base64.b85encode(packed).decode(),
        imports="\n".join(lines),
    )


# --- which modules -------------------------------------------------------------------------------


def _sources(modules: Iterable[str]) -> dict[str, str]:
    """The text of each of the modules that these need, by its path in the zip."""
    return {_path(one): _file(one).read_text() for one in _closure(modules)}


def _closure(modules: Iterable[str]) -> list[str]:
    """These modules, what they import of tidegate, and the packages that all of it is in."""
    known: set[str] = set()
    left = list(modules)
    while left:
        name = left.pop()
        if name in known:
            continue
        known.add(name)
        left += _parents(name)
        left += _imported(ast.parse(_file(name).read_text()))
    return sorted(known)


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _imported(module: ast.Module) -> list[str]:
    found = []
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
            inner = (f"{node.module}.{alias.name}" for alias in node.names)
            found += [name for name in inner if _is_module(name)]
    return [name for name in found if name.partition(".")[0] == "tidegate"]


def _is_module(name: str) -> bool:
    return name.startswith("tidegate.") and _file(name).is_file()


def _file(name: str) -> Path:
    """Where a module of tidegate lies."""
    place = _SOURCE.joinpath(*name.split(".")[1:])
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _path(name: str) -> str:
    return _file(name).relative_to(_SOURCE.parent).as_posix()


# --- how they are packed -------------------------------------------------------------------------


def _minified(text: str) -> str:
    """The module without docstrings, comments and blank lines; nothing of it acts differently."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and not isinstance(node, ast.Lambda | ast.IfExp):
            body[:] = [one for one in body if not _is_text(one)] or _nothing(node)
    return ast.unparse(tree) + "\n"


def _is_text(node: ast.AST) -> bool:
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
        return False
    return isinstance(node.value.value, str)


def _nothing(node: ast.AST) -> list[ast.stmt]:
    return [] if isinstance(node, ast.Module) else [ast.Pass()]


def _zip(files: Mapping[str, str], method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = method
            info.external_attr = 0o644 << 16
            archive.writestr(info, files[name], compresslevel=9)
    return out.getvalue()
