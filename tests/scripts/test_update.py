"""Updates of openapi.yaml from newer documents: all or nothing, and amendments stay."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml.comments import CommentedMap

from konvoai.testing._http_server import Reply, serving
from scripts.contract.merge import AMENDED, comments_at, dump, load_editable, merge_document, to_plain
from scripts.contract.openapi_documents import InvalidDocumentError
from scripts.contract.update import check_agreement, extract_document, read_source
from tests.support import ROOT
from tests.support.http_server import replies

CONTACTS = Path(__file__).with_name("contacts_page.md")
CERTIFICATE = ROOT / "tests/support/self-signed.pem"
TEXT = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
FOLDERS = ("scripts", "wrapper", "generated", "tests")
FILES = ("openapi.yaml", ".spectral.yaml", "pyproject.toml", "package.json")


def copied(folder: Path) -> Path:
    """Copy this checkout into a folder, with its tools."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".generate-*"))
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return copied(tmp_path)


def run(tree: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(map(str, (tree / "wrapper", tree / "generated", tree)))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **environ}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=120)


def update(tree: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return run(tree, "-m", "scripts.contract.update", *arguments, **environ)


def state(tree: Path) -> dict[str, bytes]:
    written = (tree / "generated", tree / "wrapper/konvoai/_generated")
    paths = [tree / "openapi.yaml", *(path for folder in written for path in folder.rglob("*"))]
    return {str(path): path.read_bytes() for path in paths if path.is_file()}


def page(change: Any = lambda document: None) -> str:
    """Return a page of the API's documentation: the document without our amendments, with a change."""
    document = without_amendments(load_editable(TEXT, "openapi.yaml"))
    change(document)
    return f"# Get AI Sessions\n\n> Some words\n\n````yaml GET /ai-sessions\n{dump(document)}\n````\n"


def without_amendments(node: Any) -> Any:
    if isinstance(node, CommentedMap):
        kept = [key for key in node if AMENDED not in comments_at(node, key)]
        return {key: without_amendments(node[key]) for key in kept}
    return [without_amendments(item) for item in node] if isinstance(node, list) else node


def schemas(document: Any) -> Any:
    return document["components"]["schemas"]


def operation(document: Any) -> Any:
    return document["paths"]["/ai-sessions"]["get"]


def merged(text: str) -> str:
    ours = load_editable(TEXT, "openapi.yaml")
    merge_document(ours, extract_document(text, "page.md"))
    return dump(ours)


def test_an_unchanged_page_changes_nothing() -> None:
    assert merged(page()) == TEXT


def test_json_gives_the_same_result_as_yaml() -> None:
    document = without_amendments(load_editable(TEXT, "openapi.yaml"))
    assert merged(json.dumps(document)) == TEXT


def test_a_page_wins_and_other_amendments_stay() -> None:
    def change(document: Any) -> None:
        operation(document)["description"] = "New words"
        operation(document)["parameters"][1]["schema"]["maximum"] = 500
        del schemas(document)["AISession"]["properties"]["external_user_id"]
        schemas(document)["AISession"]["properties"]["channel"]["enum"].append("telegram")
        schemas(document)["AISession"]["properties"]["country"] = {"type": "string", "example": "ES"}

    text = merged(page(change))
    assert "operationId: listAiSessions # amended" in text
    assert "minimum: 1 # amended" in text
    assert "maximum: 500\n" in text
    assert "external_user_id" not in text
    assert "            - telegram\n" in text
    assert "country:\n          type: string\n          example: ES\n" in text
    assert "format: date-time # amended: its example is RFC 3339\n        status:" in text


def test_an_amendment_of_a_removed_field_goes() -> None:
    def change(document: Any) -> None:
        del operation(document)["parameters"][1]
        del schemas(document)["AISession"]["properties"]["created_at"]

    text = merged(page(change))
    assert "maximum" not in text
    assert text.count("# amended") == TEXT.count("# amended") - 3


def test_operations_and_schemas_of_other_pages_stay() -> None:
    text = merged(CONTACTS.read_text(encoding="utf-8"))
    assert "/ai-sessions:" in text
    assert "/contacts:" in text
    assert "AISessionState:" in text


def paths_in(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return found + [inner for key, child in children for inner in paths_in(child, (*path, key))]


PAGE = without_amendments(load_editable(TEXT, "openapi.yaml"))
PATHS = [path for path in paths_in(PAGE) if path[0] in ("paths", "components") and len(path) > 3]


@pytest.mark.drawn
@settings(max_examples=settings().max_examples // 50)  # each reads and writes the document three times
@given(st.lists(st.tuples(st.sampled_from(PATHS), st.sampled_from(["drop", "change", "add"])), max_size=4))
def test_without_amendments_the_result_equals_the_page(changes: list[tuple[tuple[Any, ...], str]]) -> None:
    document = copy.deepcopy(PAGE)
    for (*path, last), what in changes:
        parent = document
        try:
            for step in path:
                parent = parent[step]
            value = parent[last]
        except (KeyError, IndexError, TypeError):
            continue
        if what == "drop":
            del parent[last]
        elif what == "change" and not isinstance(value, dict | list):
            parent[last] = "changed"
        elif what == "add" and isinstance(value, dict):
            value["x-new"] = {"deep": [1, 2]}
    ours = load_editable(TEXT, "openapi.yaml")
    merge_document(ours, load_editable(dump(document), "page"))
    found = without_amendments(load_editable(dump(ours), "ours"))
    for path_name, item in document["paths"].items():
        assert found["paths"][path_name] == {**found["paths"][path_name], **item}
    for section, components in document["components"].items():
        for name, component in components.items():
            assert to_plain(found["components"][section][name]) == to_plain(component)


@pytest.mark.long
def test_a_new_page_gives_a_client_and_a_resource(tree: Path) -> None:
    before = state(tree)
    dry = update(tree, "--dry-run", str(CONTACTS))
    assert (dry.returncode, dry.stderr) == (0, "")
    assert state(tree) == before
    done = update(tree, str(CONTACTS))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == dry.stdout
    assert "compatible GET /contacts" in done.stdout
    assert "operationId: listContacts" in text_of(tree)
    assert (tree / "generated/konvo_api_client/api/contacts/list_contacts.py").is_file()
    command = run(tree, "-m", "konvoai", "contacts", "list", "--help")
    assert (command.returncode, "include the tags" in command.stdout) == (0, True), command.stderr


def text_of(tree: Path) -> str:
    return (tree / "openapi.yaml").read_text(encoding="utf-8")


@pytest.mark.long
def test_a_breaking_change_needs_to_be_accepted(tree: Path, tmp_path: Path) -> None:
    def change(document: Any) -> None:
        del schemas(document)["AISession"]["properties"]["feed_id"]

    newer, before = tmp_path / "page.md", state(tree)
    newer.write_text(page(change), encoding="utf-8")
    refused = update(tree, str(newer))
    assert refused.returncode == 1
    assert "ACCEPT_BREAKING=1" in refused.stderr
    assert "breaking" in refused.stdout
    assert "feed_id" in refused.stdout
    assert state(tree) == before
    assert update(tree, str(newer), ACCEPT_BREAKING="1").returncode == 0
    assert "feed_id" not in (tree / "openapi.yaml").read_text(encoding="utf-8")


@pytest.mark.long
def test_an_unusable_document_changes_nothing(tree: Path, tmp_path: Path) -> None:
    def forget(document: Any) -> None:
        del operation(document)["responses"]["200"]["description"]

    def dangle(document: Any) -> None:
        operation(document)["responses"]["200"]["content"]["application/json"]["schema"]["$ref"] = "#/components/x/Y"

    broken = page().replace("      parameters:\n", "      parameters: [\n", 1)
    documents = {
        "broken.md": (broken, r"broken.md, line 24, column"),
        "no_document.md": ("# Nothing here", "no_document.md is not an OpenAPI document"),
        "invalid.md": (page(forget), "not valid"),
        "dangling.md": (page(dangle), "not valid"),
    }
    before = state(tree)
    for name, (text, reason) in documents.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        done = update(tree, str(tmp_path / name))
        assert done.returncode == 2, name
        assert reason in done.stderr
    missing = update(tree, "nowhere.md")
    assert (missing.returncode, "nowhere.md" in missing.stderr) == (2, True)
    plain_http = update(tree, "http://docs.example/page.md")
    assert (plain_http.returncode, "only https://" in plain_http.stderr) == (2, True)
    assert state(tree) == before


def test_two_pages_that_disagree_are_both_shown() -> None:
    other = CONTACTS.read_text(encoding="utf-8").replace("        message:\n", "        reason:\n")
    pages = {
        "one.md": extract_document(page(), "one.md"),
        "two.md": extract_document(other.replace("        - message\n", "        - reason\n"), "two.md"),
    }
    with pytest.raises(InvalidDocumentError, match=r"(?s)schemas Error.*one.md says.*message.*two.md.*reason"):
        check_agreement(pages)


def test_an_address_is_read_over_https(monkeypatch: pytest.MonkeyPatch) -> None:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with serving(replies(Reply(page().encode(), headers={"Content-Type": "text/markdown"})), tls=context) as server:
        assert merged(read_source(f"{server.url}/page.md")) == TEXT
    with serving(replies(Reply(b"", status=404)), tls=context) as server:
        with pytest.raises(InvalidDocumentError, match="404"):
            read_source(f"{server.url}/page.md")


def test_a_removed_operation_is_a_single_clear_failure(tree: Path) -> None:
    (tree / "generated/konvo_api_client/api/ai_sessions/list_ai_sessions.py").unlink()
    done = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract")
    assert done.returncode == 1
    assert "The wrapper offers what openapi.yaml no longer has" in done.stdout + done.stderr
    assert "FAILED" not in done.stdout
