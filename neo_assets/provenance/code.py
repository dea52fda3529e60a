"""The code version of an asset, derived from what its code means rather than typed by hand.

It covers the syntax trees (comments, docstrings and layout left out) of the asset's function, of the helpers it uses
in its module, and of every library module reachable from them by import; the data files that such a module names in
a constant `DATA_FILES` (patterns beside it); and the values of the recipe sections that this code reads. Platform
modules are left out: where and how rows move does not change them.
"""

from __future__ import annotations

import ast
import atexit
import copy
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from neo_assets.provenance.code_cache import CodeCache

PACKAGE = "neo_assets"
ROOT = Path(__file__).parents[1]
"""Where the package's sources are."""
PLATFORM = tuple(
    f"{PACKAGE}.{name}"
    for name in (
        *("asset", "assets", "build", "checks", "cli", "compute", "definitions", "engine", "io_manager", "jobs.base"),
        *("lake", "metadata", "partitions", "provenance.code", "provenance.code_cache", "recipe"),
        # How a training is started, watched and shown; what comes out is decided by the worker and what it uses.
        *("model.metrics.flops", "model.metrics.tracking"),
        *(f"model.train.{name}" for name in ("channel", "hub", "inputs", "launcher", "machines", "node")),
        *("model.train.processes", "model.train.supervisor"),
    )
)
CONTENT = {f"{PACKAGE}.lake.records"}
"""Modules inside the platform that decide content all the same: how documents get their ids."""
JOBS = f"{PACKAGE}.jobs."
NO_INPUT = {"platform"}
"""Recipe sections that change how work is done, never what comes out."""
INNER_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.comprehension)


@dataclass(frozen=True)
class Code:
    """What an asset's result depends on besides its inputs: a digest of code, and recipe paths with their values."""

    digest: str
    recipe: dict[str, Any]

    @property
    def version(self) -> str:
        """Two short digests: of the code, and of the recipe sections it reads."""
        text = json.dumps(self.recipe, sort_keys=True, ensure_ascii=False)
        return f"{self.digest[:12]}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def code_of(function: Callable[..., Any], recipe: BaseModel) -> Code:
    """The code version of an asset function. Changed files are parsed once; else it takes well under a millisecond.

    Raises:
        LookupError: the function is not defined at the top level of its module, or passes the recipe on as a whole.
    """
    module = _module(function.__module__)
    facts = module.facts(function.__name__)
    libraries = sorted(_reachable(facts["imports"]))
    hasher = hashlib.sha256(facts["digest"].encode())
    for name in libraries:
        hasher.update(f"\n{name}\n{_module(name).digest}\n{_module(name).data_digest}".encode())
    reads = [*facts["reads"], *(read for name in libraries if name.startswith(JOBS) for read in _module(name).reads)]
    return Code(hasher.hexdigest(), _recipe_values(reads, recipe))


class _Module:
    """A parsed source file of the package."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self._source = path.read_bytes()

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree without docstrings."""
        return _without_docstrings(ast.parse(self._source))

    @cached_property
    def definitions(self) -> dict[str, ast.AST]:
        """What it defines at the top level, by name."""
        found: dict[str, ast.AST] = {}
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {target.id: node for target in targets if isinstance(target, ast.Name)}
        return found

    @cached_property
    def _key(self) -> str:
        return f"{self.name} {hashlib.sha256(self._source).hexdigest()}"

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What others need to know of it: digest of code, imports, patterns of data files, and what of the recipe a job
        reads. Kept between processes."""
        return _cache().entry(
            self._key,
            lambda: {
                "digest": hashlib.sha256(_canonical(self.tree).encode()).hexdigest(),
                "imports": sorted(_imported_modules(self.tree)),
                "data_files": self._data_files(),
                "reads": _recipe_reads([self.tree]) if self.name.startswith(JOBS) else [],
            },
        )

    def facts(self, function: str) -> dict[str, Any]:
        """What one of its functions and the helpers that it uses here amount to: digest of code, imports, and what of
        the recipe they read. Kept between processes.

        Raises:
            LookupError: it is not at the top level.
        """
        return _cache().entry(f"{self._key} {function}", lambda: self._facts(function))

    def _facts(self, function: str) -> dict[str, Any]:
        if function not in self.definitions:
            raise LookupError(f"{self.name}.{function} is not a top-level function")
        trees = [self.definitions[name] for name in self.closure(function)]
        return {
            "digest": hashlib.sha256("".join(map(_canonical, trees)).encode()).hexdigest(),
            "imports": sorted(_imports(self, trees)),
            "reads": _recipe_reads(trees),
        }

    def _data_files(self) -> list[str]:
        node = self.definitions.get("DATA_FILES")
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            return []
        return list(ast.literal_eval(node.value))

    @property
    def digest(self) -> str:
        """Over its code, layout left out."""
        return str(self.summary["digest"])

    @property
    def imports(self) -> list[str]:
        """Modules of the package that it imports or names as one to run, anywhere in it."""
        return list(self.summary["imports"])

    @property
    def reads(self) -> list[Any]:
        """What of the recipe it reads, if it is a job (see `_recipe_reads`)."""
        return list(self.summary["reads"])

    @cached_property
    def data_digest(self) -> str:
        """Over the files that match `DATA_FILES`, names and bytes; empty where there is no such constant."""
        if not self.summary["data_files"]:
            return ""
        hasher = hashlib.sha256()
        for pattern in self.summary["data_files"]:
            for file in sorted(self.path.parent.glob(pattern)):
                hasher.update(f"{file.name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
        return hasher.hexdigest()

    def closure(self, name: str) -> Iterator[str]:
        """The definition and every top-level definition of this module that it uses, in order of discovery."""
        seen, waiting = {name}, [name]
        while waiting:
            current = waiting.pop(0)
            yield current
            for used in sorted(_names(self.definitions[current])):
                if used in self.definitions and used not in seen:
                    seen.add(used)
                    waiting.append(used)


@cache
def _cache() -> CodeCache:
    """What is known of modules. It also depends on this file, and on which modules there are: a name imported from a
    package may be one of them."""
    found = (path for pattern in ("*/*.py", "*/[a-z]*/*.py") for path in ROOT.glob(pattern))
    modules = sorted(path.relative_to(ROOT).as_posix() for path in found)
    digest = hashlib.sha256("\n".join([Path(__file__).read_text(encoding="utf-8"), *modules]).encode()).hexdigest()
    found_out = CodeCache(ROOT / "__pycache__" / f"code-{digest[:16]}.json")
    atexit.register(found_out.save)
    return found_out


@cache
def _module(name: str) -> _Module:
    path = _path(name)
    if path is None:
        raise LookupError(f"no source file for {name}")
    return _Module(name, path)


@cache
def _path(name: str) -> Path | None:
    below = ROOT.joinpath(*name.split(".")[1:])
    for path in (below.with_suffix(".py"), below / "__init__.py"):
        if path.is_file():
            return path
    return None


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every node of a definition, its decorators left out: they place an asset, they don't compute it."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        for child in [*node.body, *([node.args] if isinstance(node, ast.FunctionDef) else node.bases)]:
            yield from ast.walk(child)
    else:
        yield from ast.walk(node)


@cache
def _names(node: ast.AST) -> frozenset[str]:
    """Names that a definition uses from outside: an input named like an asset of its module is not that asset."""
    return frozenset(n.id for n in _statements(node) if isinstance(n, ast.Name)) - _bound(node)


def _bound(node: ast.AST) -> set[str]:
    """Parameters and local variables of a function, those of functions inside it left out."""
    if not isinstance(node, ast.FunctionDef):
        return set()
    found = {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        child = waiting.pop()
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            found.add(child.id)
        if not isinstance(child, INNER_SCOPES):
            waiting.extend(ast.iter_child_nodes(child))
    return found


def _imports(module: _Module, trees: Iterable[ast.AST]) -> set[str]:
    """The package's modules that these definitions import, name as one to run, or use through the module's imports."""
    trees = list(trees)
    used = frozenset[str]().union(*(_names(tree) for tree in trees))
    found = {target for tree in trees for target in _imported_modules(tree)}
    for node in module.tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.asname or alias.name.split(".")[0] for alias in node.names}
            if names & used:
                wanted = [alias for alias in node.names if (alias.asname or alias.name.split(".")[0]) in used]
                found |= set(_targets(node, wanted))
    return found


@cache
def _imported_modules(tree: ast.AST) -> frozenset[str]:
    found: set[str] = set()
    for node in _statements(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update(_targets(node, node.names))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_module(node.value):
            found.add(node.value)
    return frozenset(found)


def _is_module(text: str) -> bool:
    """Whether a text names a module of the package, to be run as a process."""
    return text.startswith(f"{PACKAGE}.") and text.replace(".", "").isidentifier() and _path(text) is not None


def _targets(node: ast.Import | ast.ImportFrom, aliases: Iterable[ast.alias]) -> Iterator[str]:
    for alias in aliases:
        if isinstance(node, ast.Import):
            yield alias.name
        elif node.module:
            submodule = f"{node.module}.{alias.name}"
            yield submodule if submodule.startswith(f"{PACKAGE}.") and _path(submodule) else node.module


def _reachable(modules: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in seen or not name.startswith(f"{PACKAGE}.") or _is_platform(name) or _path(name) is None:
            continue
        seen.add(name)
        waiting.extend(_module(name).imports)
    return seen


def _is_platform(name: str) -> bool:
    return name not in CONTENT and any(name == prefix or name.startswith(f"{prefix}.") for prefix in PLATFORM)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef | ast.Module):
            node.body = [child for child in node.body if not _is_text(child)]
    return tree


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _canonical(node: ast.AST) -> str:
    """The tree as text, without positions; decorators of a definition are left out."""
    if isinstance(node, ast.FunctionDef):
        node = copy.copy(node)
        node.decorator_list = []
    return ast.dump(node)


def _recipe_reads(trees: Iterable[ast.AST]) -> list[tuple[int, list[str]]]:
    """Where code reads the recipe: the line, and the attributes that follow (`recipe.a.b`, `job.recipe.a.b`)."""
    reads = []
    for tree in trees:
        parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
        for node in ast.walk(tree):
            is_root = (isinstance(node, ast.Name) and node.id == "recipe") or (
                isinstance(node, ast.Attribute) and node.attr == "recipe"
            )
            parent = parents.get(node)
            if not is_root or (isinstance(parent, ast.Assign) and _renames_recipe(parent)):
                continue
            attributes = []
            while isinstance(parent, ast.Attribute):
                attributes.append(parent.attr)
                parent = parents.get(parent)
            reads.append((getattr(node, "lineno", 0), attributes))
    return reads


def _recipe_values(reads: Iterable[tuple[int, list[str]]], recipe: BaseModel) -> dict[str, Any]:
    """The value at every recipe path that is read, as plain JSON."""
    values: dict[str, Any] = {}
    for line, attributes in reads:
        path: list[str] = []
        value: Any = recipe
        for name in attributes:
            if not isinstance(value, BaseModel) or name not in type(value).model_fields:
                break
            path.append(name)
            value = getattr(value, name)
        if not path:
            raise LookupError(f"line {line}: read a section of the recipe, not the whole")
        if path[0] not in NO_INPUT:
            values[".".join(path)] = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return json.loads(json.dumps(values, sort_keys=True, default=str))  # type: ignore[no-any-return]


def _renames_recipe(node: ast.Assign) -> bool:
    """Whether it is `recipe = job.recipe`, whose reads are found under the name it keeps."""
    return [target.id for target in node.targets if isinstance(target, ast.Name)] == ["recipe"]
