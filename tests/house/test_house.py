"""The house rules, as tests."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import typing
from importlib import import_module
from pathlib import Path

import pytest

from diaphane import plan, zoo
from diaphane.cli.flags import field_docs
from diaphane.cli.main import COMMANDS
from diaphane.core import case_folder

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src/diaphane").rglob("*.py"))
DOCS = ROOT / "docs"


def test_files_are_short_and_named_after_what_they_hold() -> None:
    too_long = [str(p) for p in SOURCES if len(p.read_text().splitlines()) > 400]
    vague = [str(p) for p in SOURCES if p.stem in {"utils", "helpers", "common", "misc", "base", "manager", "handler"}]
    assert (too_long, vague) == ([], [])


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT / "src")))
def test_no_print_assert_eval_or_pickle(path: Path) -> None:
    tree = ast.parse(path.read_text())
    calls = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert not calls & {"print", "eval", "exec"}
    assert not imported & {"pickle", "shelve", "marshal", "dill", "joblib"}
    assert not any(isinstance(n, ast.Assert) for n in ast.walk(tree))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT / "src")))
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


def options() -> list[type]:
    return [t for t in typing.get_type_hints(plan.Plan).values() if dataclasses.is_dataclass(t)]


def test_every_option_says_what_it_does_and_is_read_somewhere() -> None:
    for kind in options():
        stage = kind.__module__.split(".")[1]
        own = "\n".join(p.read_text() for p in SOURCES if p.parent.name == stage and p.name != "options.py")
        assert field_docs(kind).keys() == {f.name for f in dataclasses.fields(kind)}, kind
        for f in dataclasses.fields(kind):
            assert re.search(rf"\boptions\.{f.name}\b", own), f"{kind.__module__}.{f.name} is read nowhere in its stage"


def test_docs_name_every_command_every_option_and_every_file_of_a_case() -> None:
    text = "\n".join(p.read_text() for p in DOCS.glob("*.md"))
    for command in COMMANDS:
        assert f"diaphane {command}" in text, command
    for kind in options():
        for f in dataclasses.fields(kind):
            assert f"`{f.name}`" in text, f"{kind.__module__}.{f.name}"
    for name in ("MANIFEST", "REPORT", "IMAGES", "SEGMENTATION", "OVERLAY", "FEATURES", "CANDIDATES", "FINDINGS"):
        assert getattr(case_folder, name) in text


def test_every_shipped_bundle_has_its_card_in_the_docs() -> None:
    text = (DOCS / "models.md").read_text()
    assert set(zoo.UNASKED) <= set(zoo.names())
    for name in zoo.names():
        assert f"zoo/{name}/card.md" in text


def documented_verbs() -> list[tuple[str, str, str]]:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)\(([^)]*)\)` \|", (DOCS / "interfaces.md").read_text(), re.M)
    return [(stage, verb, arguments) for stage, verb, arguments in rows]


def test_verbs_have_the_signatures_that_the_docs_say() -> None:
    rows = documented_verbs()
    assert {stage for stage, _, _ in rows} >= {"acquire", "prepare", "segment", "measure", "assess", "fuse", "report", "view"}
    for stage, verb, arguments in rows:
        found = inspect.signature(getattr(import_module(f"diaphane.{stage}"), verb))
        assert ", ".join(found.parameters) == arguments, f"{stage}.{verb}"


def test_cases_below_the_readme_are_true_of_this_tree() -> None:
    english, chinese = ((ROOT / name).read_text() for name in ("README.md", "README.zh.md"))
    for text in (english, chinese):
        for path in re.findall(r"\]\((?!http)([^)#]+)\)", text) + re.findall(r'src="([^"]+)"', text):
            assert (ROOT / path).exists(), path
    commands = [set(re.findall(r"diaphane (\w+)", text)) & set(COMMANDS) for text in (english, chinese)]
    assert commands[0] == commands[1]
    assert {"make demo", "make test"} <= set(re.findall(r"make \w+", english)) & set(re.findall(r"make \w+", chinese))
