"""The sources: sentences are literals given to `tr`, `plural` or `mark`, and translated when they are shown."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
SENTENCE = re.compile(r"[A-Za-z]{2,}[^\w]* [^\w]*[a-z]{2,}")
DEVELOPERS = ("ValueError", "TypeError", "KeyError", "RuntimeError", "AssertionError", "SafetensorError")
NOT_SHOWN = re.compile(
    r"\{|::|margin-|^nudge |</|^<span|^padding|refused model|class removed|: none|[a-z]_[a-z]"
    r"|^\s*(SELECT|INSERT|UPDATE|DELETE|ATTACH|DETACH|PRAGMA|CREATE)\b|^file IN \("
    r"|\(\?:|\\d"
    r"|^element node$|^photo loader$|^late store$|^annotator (suggest|masks)$|^can't allocate memory$"
)
"""Style sheets, markup, keys, topics, names of keypoints; SQL; regular expressions; names of threads and of the
program; what is searched in an error; words of SVG."""


def _files(*places: str) -> list[Path]:
    return sorted(
        path for place in places for path in ((ROOT / place).rglob("*.py") if "." not in place else [ROOT / place])
    )


@cache
def _trees() -> dict[Path, ast.Module]:
    files = _files("annotator", "dataset", "model", "main.py")
    assert len(files) > 150
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in files}


def _called(node: ast.AST) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (n for n in ast.walk(tree) if isinstance(n, ast.Call) and _called(n) in {"tr", "plural", "mark"})


def not_literal(tree: ast.AST) -> list[int]:
    """Lines of calls whose sentence no extractor finds.

    `tr` may be given what `mark` was: `plural` not, as a catalogue has its two forms in one entry.
    """
    lines = []
    for call in _calls(tree):
        count = 2 if _called(call) == "plural" else 1
        for text in call.args[:count]:
            literal = isinstance(text, ast.Constant) and isinstance(text.value, str)
            from_mark = _called(call) == "tr" and not isinstance(text, ast.JoinedStr | ast.BinOp)
            if not literal and not from_mark:
                lines.append(call.lineno)
    return lines


def at_import(node: ast.AST) -> Iterator[int]:
    """Lines of calls of `tr` and `plural` outside of functions."""
    for child in ast.iter_child_nodes(node):
        if _called(child) in {"tr", "plural"}:
            yield getattr(child, "lineno", 0)
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from at_import(child)


def outside(node: ast.AST) -> Iterator[str]:
    """Sentences that are not given to a translation function, and that a person may read; an enum has keys."""
    for child in ast.iter_child_nodes(node):
        docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        developers = isinstance(child, ast.Raise) and _called(child.exc or child) in DEVELOPERS
        enum = isinstance(child, ast.ClassDef) and any(ast.unparse(base).endswith("Enum") for base in child.bases)
        translated = _called(child) in {"tr", "plural", "mark"}
        if docstring or developers or enum or translated or isinstance(child, ast.Assert):
            continue
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            if SENTENCE.search(child.value) and not NOT_SHOWN.search(child.value):
                yield child.value
        else:
            yield from outside(child)


def _wrong(check: Callable[[ast.AST], Iterable[object]]) -> dict[str, list[object]]:
    """What a check finds, by file."""
    found = {str(path.relative_to(ROOT)): list(check(tree)) for path, tree in _trees().items()}
    return {name: what for name, what in found.items() if what}


def test_sentences_are_literals_looked_up_when_shown() -> None:
    assert _wrong(not_literal) == {}
    assert _wrong(at_import) == {}


def test_no_sentence_stands_outside_of_a_translation() -> None:
    assert _wrong(outside) == {}


def test_the_checks_see_what_is_wrong() -> None:
    tree = ast.parse('A = tr("No photo.")\ndef f(x):\n    plural(f"{x} a", "b", 2)\n    show("No photo is open.")\n')
    assert not_literal(tree) == [3]
    assert not_literal(ast.parse("plural(one, many, 2)\nplural(mark('A photo.'), mark('Photos.'), 2)")) == [1, 1, 2, 2]
    assert list(at_import(tree)) == [1]
    assert list(outside(tree)) == ["No photo is open."]
