"""Where a fault can strike: every call that a stage makes to a class of `intake.cloud`, found in the code itself.

A place is a line of a stage and the cloud method it calls; before and after it are two boundaries. The list is read from
the syntax trees, so a call that is added tomorrow is on it, and a campaign that never reaches it says so. The campaign also
reports calls that happen and are not on the list, so that the list cannot fall short unnoticed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
CLOUD = FUNCTIONS / "intake" / "cloud"


@dataclass(frozen=True, order=True)
class Place:
    """One call of a stage into the cloud.

    Attributes:
        module: File below functions/, such as `intake/stages/ocr.py`.
        function: Qualified name of the function that calls.
        line: First line of the call.
        last_line: Last line of the call.
        method: Class and method that is called, such as `Store.accept`.
    """

    module: str
    function: str
    line: int
    last_line: int
    method: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.function} → {self.method}"


def cloud_methods() -> dict[str, set[str]]:
    """Return the public methods of every public class of `intake.cloud`, by class; exceptions and mere records have none."""
    found: dict[str, set[str]] = {}
    for path in sorted(CLOUD.glob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                methods = {
                    item.name
                    for item in node.body
                    if isinstance(item, ast.FunctionDef)
                    and not item.name.startswith("_")
                    and not any(isinstance(mark, ast.Name) and mark.id == "property" for mark in item.decorator_list)
                }
                if methods:
                    found[node.name] = methods
    return found


def places() -> list[Place]:
    """Return every call of a stage, or of main.py, into the cloud."""
    methods = cloud_methods()
    found: list[Place] = []
    for path in sorted(FUNCTIONS.rglob("*.py")):
        if CLOUD not in path.parents:
            module = path.relative_to(FUNCTIONS).as_posix()
            tree = ast.parse(path.read_text("utf-8"))
            calls, known = _calls(tree, ()), _annotated(tree, methods)
            found += [
                Place(module, function, call.lineno, call.end_lineno or call.lineno, method)
                for function, call in calls
                if (method := _method(call, methods, known))
            ]
    return sorted(found)


def _calls(node: ast.AST, inside: tuple[str, ...]) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call below a node with the qualified name of the function that it stands in."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield ".".join(inside), child
        within = (*inside, child.name) if isinstance(child, ast.FunctionDef | ast.ClassDef) else inside
        yield from _calls(child, within)


def _annotated(tree: ast.AST, methods: dict[str, set[str]]) -> dict[str, str]:
    """Return the cloud class of each attribute and argument of a module that is annotated with one."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name, annotation = node.target.id, node.annotation
        elif isinstance(node, ast.arg) and node.annotation is not None:
            name, annotation = node.arg, node.annotation
        else:
            continue
        owner = ast.unparse(annotation).removesuffix(" | None")
        if owner in methods:
            found[name.strip("_").lower()] = owner
    return found


def _method(call: ast.Call, methods: dict[str, set[str]], annotated: dict[str, str]) -> str | None:
    """Return the cloud method that a call is for.

    Its receiver is annotated with the class in this module, or named for it, as in `self._ocr.store.intake(...)`.
    """
    if not isinstance(call.func, ast.Attribute):
        return None
    receiver = call.func.value
    name = {ast.Name: "id", ast.Attribute: "attr"}.get(type(receiver))
    if name is None:
        return None
    wanted = getattr(receiver, name).strip("_").lower()
    for owner, names in methods.items():
        fits = annotated[wanted] == owner if wanted in annotated else bool(wanted) and owner.lower().endswith(wanted)
        if fits and call.func.attr in names:
            return f"{owner}.{call.func.attr}"
    return None
