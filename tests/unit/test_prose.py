"""The words of the project are plain English: docstrings, comments, messages, names of tests, and pages."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path

from tests.support import ROOT

BANNED = re.compile(
    r"""\b(?:
        tells? | told | telling | hears? | heard | heeds? | hand(?:ed|s)?\s+over | anew | luck | lucky | twins?
        | beside | moments? | made-up | vouch(?:es|ed)? | mend(?:s|ed)? | stand-?ins? | behind\s+your\s+back
        | whatever\s+is
        | (?<!there\s)is\s+no\s+(?:\w+: | (?:time|json|number|list|file|span|date)\b)
        | as\s+(?:\d+[smhdw] | Europe | postgres)
    )(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
BANNED_NAMES = re.compile(
    r"(?<![a-z])(?:tells?|told|hears?|heard|asks?|asked|answers?|moments?|places?|luck|lender|twins?)(?![a-z])",
    re.IGNORECASE,
)
CODE = re.compile(r"(?<!`)`[^`\n]+`(?!`)")
LONGEST_TEST_NAME = len("test_") + 60


def python_files(*folders: str) -> list[Path]:
    """The modules of some folders, but for those whose words are the API document's."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if path.parent.name != "_generated")


@cache
def tree(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def docstring_nodes(path: Path) -> Iterator[ast.Constant]:
    """The strings that stand as statements: docstrings, and those of attributes."""
    for node in tree(path):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value


def string_nodes(path: Path) -> Iterator[ast.Constant]:
    """The strings that a reader can see: those with a space, without the docstrings."""
    docstrings = {id(node) for node in docstring_nodes(path)}
    for node in tree(path):
        if isinstance(node, ast.Constant) and id(node) not in docstrings and " " in str(node.value).strip():
            yield node


def names(path: Path) -> Iterator[tuple[int, str]]:
    """The names that a module gives: of functions, classes, parameters and variables."""
    for node in tree(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr


def comments(path: Path) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def banned(path: Path, texts: Iterable[tuple[int, str]]) -> list[str]:
    """`path:line: word` for each banned word outside of code in backticks."""
    return [
        f"{path.relative_to(ROOT)}:{first + text.count(chr(10), 0, found.start())}: {' '.join(found[0].split())}"
        for first, text in texts
        for found in BANNED.finditer(CODE.sub(lambda code: "`" * len(code[0]), text))
    ]


def report(lines: Iterable[list[str]]) -> None:
    found = list(chain.from_iterable(lines))
    assert not found, "\n" + "\n".join(found)


def test_docstrings_have_no_banned_word() -> None:
    files = python_files("wrapper", "scripts", "tests", "benchmarks")
    report(banned(path, ((node.lineno, str(node.value)) for node in docstring_nodes(path))) for path in files)


def test_comments_have_no_banned_word() -> None:
    report(banned(path, comments(path)) for path in python_files("wrapper", "scripts"))


def test_messages_and_help_texts_have_no_banned_word() -> None:
    files = python_files("wrapper", "scripts")
    report(banned(path, ((node.lineno, str(node.value)) for node in string_nodes(path))) for path in files)


def test_pages_have_no_banned_word() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "wrapper").rglob("*.html"), ROOT / "Makefile"]
    report(banned(page, [(1, page.read_text(encoding="utf-8"))]) for page in sorted(pages))


def test_names_in_the_wrapper_have_no_banned_word() -> None:
    report(
        [f"{path.relative_to(ROOT)}:{line}: {name}" for line, name in names(path) if BANNED_NAMES.search(name)]
        for path in python_files("wrapper")
    )


def test_names_of_tests_are_short_plain_sentences() -> None:
    report(
        [
            f"{path.relative_to(ROOT)}:{line}: {name}"
            for line, name in names(path)
            if name.startswith("test_")
            if len(name) > LONGEST_TEST_NAME or BANNED.search(name.replace("_", " "))
        ]
        for path in python_files("tests")
    )


def test_a_banned_word_is_found_with_its_line() -> None:
    text = "a\nhanded\nover, and `told`; 'x' is no time: as 7d, beside; retell, besides, amend, foretold"
    found = [line.removeprefix("page:") for line in banned(ROOT / "page", [(5, text)])]
    assert ["6: handed over", "7: is no time:", "7: as 7d", "7: beside"] == found
