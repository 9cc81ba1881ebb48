"""Newer documents into openapi.yaml: whole or not at all, the amendments kept."""

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

from scripts.contract import missing_resources as offers
from scripts.contract import update as spec_update
from tests.support import ROOT
from tests.support.http_server import Reply, replies, serving

CONTACTS = Path(__file__).with_name("contacts_page.md")
CERTIFICATE = ROOT / "tests/support/self-signed.pem"
TEXT = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
FOLDERS = ("scripts", "wrapper", "generated", "tests")
FILES = ("openapi.yaml", ".spectral.yaml", "pyproject.toml")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout of its own, with this one's tools."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".generate-*"))
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    return tmp_path


def run(tree: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    here = os.pathsep.join(map(str, (tree / "wrapper", tree / "generated", tree)))
    environment = {**os.environ, "PYTHONPATH": here, "PYTHONDONTWRITEBYTECODE": "1", **environ}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=120)


def update(tree: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return run(tree, "-m", "scripts.contract.update", *arguments, **environ)


def state(tree: Path) -> dict[str, bytes]:
    paths = [tree / "openapi.yaml", *(tree / "generated").rglob("*")]
    return {str(path): path.read_bytes() for path in paths if path.is_file()}


def page(change: Any = lambda document: None) -> str:
    """A page of the API's documentation as it is now, without our amendments, and changed."""
    document = without_amendments(spec_update.editable(TEXT, "openapi.yaml"))
    change(document)
    return f"# Get AI Sessions\n\n> Some words\n\n````yaml GET /ai-sessions\n{spec_update.dumped(document)}\n````\n"


def without_amendments(node: Any) -> Any:
    if isinstance(node, CommentedMap):
        kept = [key for key in node if spec_update.AMENDED not in spec_update.comment_at(node, key)]
        return {key: without_amendments(node[key]) for key in kept}
    return [without_amendments(item) for item in node] if isinstance(node, list) else node


def schemas(document: Any) -> Any:
    return document["components"]["schemas"]


def operation(document: Any) -> Any:
    return document["paths"]["/ai-sessions"]["get"]


def merged(text: str) -> str:
    ours = spec_update.editable(TEXT, "openapi.yaml")
    spec_update.merge_document(ours, spec_update.document_in(text, "page.md"))
    return spec_update.dumped(ours)


def test_a_page_that_says_what_it_said_changes_nothing() -> None:
    assert merged(page()) == TEXT


def test_json_says_the_same_as_yaml() -> None:
    document = without_amendments(spec_update.editable(TEXT, "openapi.yaml"))
    assert merged(json.dumps(document)) == TEXT


def test_what_the_page_says_wins_and_the_amendments_it_is_silent_on_stay() -> None:
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


def test_an_amendment_goes_with_its_place() -> None:
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


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return found + [place for key, child in children for place in places(child, (*path, key))]


PAGE = without_amendments(spec_update.editable(TEXT, "openapi.yaml"))
PLACES = [place for place in places(PAGE) if place[0] in ("paths", "components") and len(place) > 3]


@pytest.mark.drawn
@settings(max_examples=settings().max_examples // 50)  # each reads and writes the document three times
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(["drop", "change", "add"])), max_size=4))
def test_without_the_amendments_the_result_is_what_the_page_says(changes: list[tuple[tuple[Any, ...], str]]) -> None:
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
    ours = spec_update.editable(TEXT, "openapi.yaml")
    spec_update.merge_document(ours, spec_update.editable(spec_update.dumped(document), "page"))
    found = without_amendments(spec_update.editable(spec_update.dumped(ours), "ours"))
    for path_name, item in document["paths"].items():
        assert found["paths"][path_name] == {**found["paths"][path_name], **item}
    for section, components in document["components"].items():
        for name, component in components.items():
            assert spec_update.plain(found["components"][section][name]) == spec_update.plain(component)


@pytest.mark.long
def test_a_new_page_leads_to_a_client_and_names_the_lines_left_to_add(tree: Path) -> None:
    before = state(tree)
    dry = update(tree, "--dry-run", str(CONTACTS))
    assert (dry.returncode, dry.stderr) == (0, "")
    assert state(tree) == before
    done = update(tree, str(CONTACTS))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == dry.stdout
    assert "compatible GET /contacts" in done.stdout
    assert "konvo.contacts is not offered yet" in done.stdout
    assert "operationId: listContacts" in (tree / "openapi.yaml").read_text(encoding="utf-8")
    assert (tree / "generated/konvo_api_client/api/contacts/list_contacts.py").is_file()


@pytest.mark.long
def test_the_lines_that_are_named_offer_the_new_list_under_the_contract_tests(tree: Path) -> None:
    assert update(tree, str(CONTACTS)).returncode == 0
    pytest_here = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract"]
    untold = run(tree, *pytest_here, "-k", "offers")
    assert untold.returncode == 1
    assert "konvo.contacts is not offered yet" in untold.stdout
    (offer,) = offers.lists_not_offered(spec_update.plain(spec_update.editable(text_of(tree), "openapi.yaml")))
    resource, sync, twin = offers.lines_to_add(offer).values()
    resources, client = tree / "wrapper/konvoai/_resources.py", tree / "wrapper/konvoai/_client.py"
    resources.write_text(f"{resources.read_text(encoding='utf-8')}\n\n{resource}", encoding="utf-8")
    head, between, tail = client.read_text(encoding="utf-8").split(" = AISessions(*readers)\n")
    lines = [f"{part} = AISessions(*readers)\n{added}" for part, added in ((head, sync), (between, twin))]
    client.write_text("".join([*lines, tail]), encoding="utf-8")
    told = run(tree, *pytest_here, "-k", "listContacts or offers")
    assert told.returncode == 0, told.stdout
    assert int(told.stdout.rsplit(" passed", 1)[0].split()[-1]) > 30


def text_of(tree: Path) -> str:
    return (tree / "openapi.yaml").read_text(encoding="utf-8")


@pytest.mark.long
def test_a_breaking_change_is_taken_only_where_it_is_accepted(tree: Path, tmp_path: Path) -> None:
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
def test_what_cannot_be_used_is_told_and_nothing_is_changed(tree: Path, tmp_path: Path) -> None:
    def forget(document: Any) -> None:
        del operation(document)["responses"]["200"]["description"]

    def dangle(document: Any) -> None:
        operation(document)["responses"]["200"]["content"]["application/json"]["schema"]["$ref"] = "#/components/x/Y"

    broken = page().replace("      parameters:\n", "      parameters: [\n", 1)
    wrong = {
        "broken.md": (broken, r"broken.md, line 24, column"),
        "no_document.md": ("# Nothing here", "no_document.md is no OpenAPI document"),
        "invalid.md": (page(forget), "not valid"),
        "dangling.md": (page(dangle), "not valid"),
    }
    before = state(tree)
    for name, (text, reason) in wrong.items():
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
        "one.md": spec_update.document_in(page(), "one.md"),
        "two.md": spec_update.document_in(other.replace("        - message\n", "        - reason\n"), "two.md"),
    }
    with pytest.raises(
        spec_update.BrokenDocumentError, match=r"(?s)schemas Error.*one.md says.*message.*two.md.*reason"
    ):
        spec_update.refuse_disagreement(pages)


def test_an_address_is_read_over_https(monkeypatch: pytest.MonkeyPatch) -> None:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with serving(replies(Reply(page().encode(), headers={"Content-Type": "text/markdown"})), tls=context) as server:
        assert merged(spec_update.read(f"{server.url}/page.md")) == TEXT
    with serving(replies(Reply(b"", status=404)), tls=context) as server:
        with pytest.raises(spec_update.BrokenDocumentError, match="404"):
            spec_update.read(f"{server.url}/page.md")


def test_an_operation_that_has_gone_is_one_clear_failure(tree: Path) -> None:
    (tree / "generated/konvo_api_client/api/ai_sessions/list_ai_sessions.py").unlink()
    done = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract")
    assert done.returncode == 1
    assert "The wrapper offers what openapi.yaml no longer has" in done.stdout + done.stderr
    assert "FAILED" not in done.stdout
