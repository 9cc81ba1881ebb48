"""The diff of API documents, on the real document with one thing changed."""

from __future__ import annotations

import copy
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.contract.diff import Change, differences, main
from scripts.contract.release_notes import next_release
from tests.support import ROOT
from tests.support.api_document import load

DOCUMENT: dict[str, Any] = load()
HALF_THE_EXAMPLES = settings(max_examples=settings().max_examples // 2)

GET = "/paths/~1ai-sessions/get"
LIMIT = f"{GET}/parameters/1"
BODY = f"{GET}/requestBody"
OK = f"{GET}/responses/200"
RESPONSE = f"{OK}/content/application~1json/schema"
SCHEMAS = "/components/schemas"
SESSION = f"{SCHEMAS}/AISession/properties"
TRAIL = f"{SCHEMAS}/AISessionState/properties/trail"
CHANNEL = f"{SESSION}/channel"
OTHER = "#/components/schemas/Other"
KEY = "/components/securitySchemes/apiKeyAuth"
TEXT = {"type": "string"}
REMOVED: Any = object()


def put(document: Any, pointer: str, value: Any) -> Any:
    """Return a copy with another value at a JSON pointer, or without it; `-` is the end of a list."""
    changed = copy.deepcopy(document)
    *steps, last = (step.replace("~1", "/") for step in pointer.removeprefix("/").split("/"))
    inside = changed
    for step in steps:
        inside = inside[int(step)] if isinstance(inside, list) else inside.setdefault(step, {})
    if isinstance(inside, list):
        if last == "-":
            inside.append(value)
        elif value is REMOVED:
            del inside[int(last)]
        else:
            inside[int(last)] = value
    elif value is REMOVED:
        del inside[last]
    else:
        inside[last] = value
    return changed


def renamed(pointer: str, name: str) -> Callable[[Any], Any]:
    """Return a function that renames a key and keeps its position."""

    def rename(document: Any) -> Any:
        changed = copy.deepcopy(document)
        *steps, last = (step.replace("~1", "/") for step in pointer.removeprefix("/").split("/"))
        inside = changed
        for step in steps:
            inside = inside[step]
        entries = [(name if key == last else key, value) for key, value in inside.items()]
        inside.clear()
        inside.update(entries)
        return changed

    return rename


def with_changes(*changes: tuple[str, Any]) -> Any:
    document: Any = DOCUMENT
    for pointer, value in changes:
        document = put(document, pointer, value)
    return document


def session(field: str) -> str:
    return f"schema AISession.{field}"


SENDING = with_changes((BODY, {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}))
HINT = with_changes((f"{SCHEMAS}/Error/properties/hint", TEXT), (f"{SCHEMAS}/Error/required/-", "hint"))["components"][
    "schemas"
]["Error"]
CLOSED = with_changes((f"{SCHEMAS}/Error/additionalProperties", False))
NULLABLE = with_changes((f"{CHANNEL}/nullable", True))
UNION = with_changes((f"{SESSION}/id", {"oneOf": [TEXT, {"type": "integer"}]}))
COMPOSED = with_changes((f"{SESSION}/id", {"allOf": [TEXT]}))
REQUIRED = with_changes((f"{LIMIT}/required", True))
OBJECT = with_changes((f"{SESSION}/id", {"type": "object", "title": "Key"}))
SENT_NULL = put(SENDING, f"{SCHEMAS}/Error/properties/message/nullable", True)
TWO = with_changes(("/servers/-", {"url": "https://eu.konvoai.com"}))
FIXED = with_changes((f"{GET}/parameters/-", {"name": "locale", "in": "header", "schema": TEXT}))
MAP = with_changes((f"{SESSION}/id", {"type": "object", "additionalProperties": TEXT}))

HERE, THERE = "GET /ai-sessions", "GET /ai-sessions, parameter limit"
B, C = True, False
Case = tuple[Any, str, Any, str, bool, str]
CASES: list[Case] = [
    # parameters
    (DOCUMENT, f"{GET}/parameters/-", {"name": "q", "in": "query", "schema": TEXT}, f"{HERE}, parameter q", C, "added"),
    (DOCUMENT, f"{GET}/parameters/-", {"name": "q", "required": True}, f"{HERE}, parameter q", B, "added"),
    (DOCUMENT, LIMIT, REMOVED, THERE, B, "removed"),
    (DOCUMENT, f"{LIMIT}/name", "size", THERE, B, "renamed to size"),
    (DOCUMENT, f"{LIMIT}/required", True, THERE, B, "refused"),
    (REQUIRED, f"{LIMIT}/required", False, THERE, C, "leave it out"),
    (DOCUMENT, f"{LIMIT}/required", False, THERE, C, "says the same"),
    (DOCUMENT, f"{LIMIT}/in", "header", THERE, B, "query became header"),
    (DOCUMENT, f"{LIMIT}/deprecated", True, THERE, C, "deprecated"),
    (DOCUMENT, f"{LIMIT}/style", "form", THERE, B, "style"),
    (DOCUMENT, f"{LIMIT}/schema/type", "string", THERE, B, "integer became string"),
    (DOCUMENT, f"{LIMIT}/schema/format", "int64", THERE, B, "int32 became int64"),
    (DOCUMENT, f"{LIMIT}/schema/format", REMOVED, THERE, C, "format int32 removed"),
    (DOCUMENT, f"{GET}/parameters/2/schema/format", "date", f"{HERE}, parameter updated_at_min", B, "Python type"),
    (DOCUMENT, f"{LIMIT}/schema/maximum", 100, THERE, B, "maximum 200 became 100: values that were right"),
    (DOCUMENT, f"{LIMIT}/schema/maximum", 300, THERE, C, "maximum 200 became 300"),
    (DOCUMENT, f"{LIMIT}/schema/maximum", REMOVED, THERE, C, "maximum 200 removed"),
    (DOCUMENT, f"{LIMIT}/schema/minimum", 10, THERE, B, "values that were right"),
    (DOCUMENT, f"{LIMIT}/schema/minimum", 0, THERE, C, "minimum 1 became 0"),
    (DOCUMENT, f"{LIMIT}/schema/exclusiveMaximum", True, THERE, B, "exclusiveMaximum true added"),
    (DOCUMENT, f"{LIMIT}/schema/multipleOf", 10, THERE, B, "multipleOf 10 added"),
    (DOCUMENT, f"{LIMIT}/schema/default", 50, THERE, B, "default 50 added"),
    (DOCUMENT, f"{GET}/parameters/4/schema/default", True, f"{HERE}, parameter messages", B, "false became true"),
    (DOCUMENT, f"{LIMIT}/schema/nullable", True, THERE, C, "None may be sent"),
    (put(DOCUMENT, f"{LIMIT}/schema/nullable", True), f"{LIMIT}/schema/nullable", False, THERE, B, "None is refused"),
    (DOCUMENT, f"{LIMIT}/schema/enum", [1, 2], THERE, B, "enum"),
    (put(DOCUMENT, f"{LIMIT}/schema/enum", [1, 2]), f"{LIMIT}/schema/enum/-", 3, THERE, C, "enum value 3 added"),
    (FIXED, f"{GET}/parameters/6/schema/minLength", 2, f"{HERE}, parameter locale", B, "minLength 2 added"),
    (DOCUMENT, f"{LIMIT}/schema/x-hint", "slow", THERE, C, "x-hint"),
    # responses
    (DOCUMENT, f"{GET}/responses/404", {"description": "none"}, f"{HERE}, response 404", C, "added"),
    (DOCUMENT, f"{GET}/responses/202", {"description": "wait"}, f"{HERE}, response 202", B, "added"),
    (DOCUMENT, f"{GET}/responses/400", REMOVED, f"{HERE}, response 400", B, "removed"),
    (DOCUMENT, f"{OK}/content/text~1csv", {"schema": TEXT}, f"{HERE}, response 200, text/csv", C, "added"),
    (DOCUMENT, f"{OK}/content/application~1json", REMOVED, f"{HERE}, response 200, application/json", B, "removed"),
    (DOCUMENT, f"{OK}/headers/ETag", {"schema": TEXT}, f"{HERE}, response 200, header ETag", C, "added"),
    (DOCUMENT, RESPONSE, REMOVED, f"{HERE}, response 200, application/json", B, "another one"),
    (DOCUMENT, f"{RESPONSE}/$ref", "#/components/schemas/Error", f"{HERE}, response 200, application/json", B, "$ref"),
    (DOCUMENT, RESPONSE, {"$ref": "#/nowhere"}, f"{HERE}, response 200, application/json", B, "#/nowhere"),
    # request bodies
    (DOCUMENT, BODY, {"required": True, "content": {}}, f"{HERE}, requestBody", B, "calls without it are refused"),
    (SENDING, f"{BODY}/content/application~1json", REMOVED, f"{HERE}, requestBody, application/json", B, "removed"),
    (SENDING, f"{SCHEMAS}/Error/properties/hint", TEXT, "schema Error.hint", C, "added"),
    (SENDING, f"{SCHEMAS}/Error", HINT, "schema Error.hint", B, "required, and calls without it are refused"),
    (SENDING, f"{SCHEMAS}/Error/properties/message/maxLength", 9, "schema Error.message", B, "values that were right"),
    (SENT_NULL, f"{SCHEMAS}/Error/properties/message/nullable", False, "schema Error.message", B, "None is refused"),
    # schemas of responses
    (DOCUMENT, f"{SESSION}/mood", TEXT, session("mood"), C, "added"),
    (DOCUMENT, f"{SESSION}/contact_id", REMOVED, session("contact_id"), B, "removed"),
    (DOCUMENT, f"{SESSION}/contact_id/type", "integer", session("contact_id"), B, "string became integer"),
    (DOCUMENT, f"{SESSION}/contact_id/format", "uuid", session("contact_id"), B, "Python type"),
    (DOCUMENT, f"{SESSION}/created_at/format", REMOVED, session("created_at"), B, "Python type"),
    (DOCUMENT, f"{SCHEMAS}/Error/properties/error/format", "int64", "schema Error.error", C, "no call that was right"),
    (DOCUMENT, f"{CHANNEL}/enum/-", "sms", session("channel"), C, "enum value sms added"),
    (DOCUMENT, f"{CHANNEL}/enum/2", REMOVED, session("channel"), B, "enum value email removed"),
    (DOCUMENT, f"{CHANNEL}/enum/2", "mail", session("channel"), B, "enum value email renamed to mail"),
    (DOCUMENT, f"{CHANNEL}/enum", ["email", "live_chat", "whatsapp", "instagram"], session("channel"), C, "order"),
    (DOCUMENT, f"{CHANNEL}/enum", REMOVED, session("channel"), B, "enum"),
    (DOCUMENT, f"{CHANNEL}/nullable", True, session("channel"), B, "readers may find None"),
    (NULLABLE, f"{CHANNEL}/nullable", False, session("channel"), C, "no None any more"),
    (DOCUMENT, f"{CHANNEL}/maxLength", 9, session("channel"), C, "no call that was right fails"),
    (DOCUMENT, f"{CHANNEL}/default", "email", session("channel"), C, "default"),
    (DOCUMENT, f"{SCHEMAS}/AISession/required", ["id"], session("id"), C, "readers can rely on it"),
    (DOCUMENT, f"{SCHEMAS}/Error/required", ["error"], "schema Error.message", B, "readers may find UNSET"),
    (DOCUMENT, f"{SCHEMAS}/Error/required", ["message", "error"], "schema Error", C, "goes by the names"),
    (DOCUMENT, f"{SCHEMAS}/Error/required/-", "error", "schema Error", C, "goes by the names"),
    (DOCUMENT, f"{SCHEMAS}/Error/required/-", "nobody", "schema Error", B, "nobody"),
    (DOCUMENT, f"{SCHEMAS}/AISession/type", "object", "schema AISession", C, "say so already"),
    (DOCUMENT, f"{SESSION}/messages/items", TEXT, session("messages[]"), B, "string"),
    (DOCUMENT, f"{TRAIL}/items/type", "string", "schema AISessionState.trail[]", B, "type"),
    (DOCUMENT, f"{SCHEMAS}/Error/additionalProperties", False, "schema Error", B, "others are refused"),
    (DOCUMENT, f"{SCHEMAS}/Error/additionalProperties", True, "schema Error", C, "kept"),
    (DOCUMENT, f"{SCHEMAS}/Error/additionalProperties", TEXT, "schema Error.*", B, "type string added"),
    (CLOSED, f"{SCHEMAS}/Error/additionalProperties", REMOVED, "schema Error", C, "kept"),
    (MAP, f"{SESSION}/id/additionalProperties/type", "integer", session("id.*"), B, "string became integer"),
    (COMPOSED, f"{SESSION}/id/allOf/0/type", "integer", session("id allOf[0]"), B, "string became integer"),
    (COMPOSED, f"{SESSION}/id/allOf/-", {"maxLength": 3}, session("id allOf[1]"), C, "added"),
    (COMPOSED, f"{SESSION}/id/allOf/0", REMOVED, session("id allOf[0]"), B, "removed"),
    (UNION, f"{SESSION}/id/oneOf/-", {"type": "boolean"}, session("id oneOf[2]"), B, "added"),
    (UNION, f"{SESSION}/id/oneOf/0", REMOVED, session("id oneOf[1]"), B, "removed"),
    (UNION, f"{SESSION}/id/oneOf", [{"type": "integer"}, TEXT], session("id oneOf[0]"), B, "string became"),
    (UNION, f"{SESSION}/id/discriminator", {"propertyName": "kind"}, session("id"), B, "discriminator"),
    (OBJECT, f"{SESSION}/id/title", "Identity", session("id"), B, "Python names"),
    (DOCUMENT, f"{SCHEMAS}/New", TEXT, "schema New", C, "added"),
    (DOCUMENT, f"{SCHEMAS}/Error", REMOVED, "schema Error", B, "removed"),
    # authentication and servers
    (DOCUMENT, "/security", REMOVED, "document", C, "right still"),
    (DOCUMENT, "/security/-", {"other": []}, "document", C, "right still"),
    (DOCUMENT, "/security/0", {"other": []}, "document", B, "may be refused"),
    (DOCUMENT, f"{GET}/security", [{"other": []}], HERE, B, "security"),
    (DOCUMENT, f"{KEY}/name", "x-key", "scheme apiKeyAuth", B, "x-api-key became x-key"),
    (DOCUMENT, f"{KEY}/in", "query", "scheme apiKeyAuth", B, "header became query"),
    (DOCUMENT, f"{KEY}/type", "http", "scheme apiKeyAuth", B, "apiKey became http"),
    (DOCUMENT, KEY, REMOVED, "scheme apiKeyAuth", B, "removed"),
    (DOCUMENT, "/servers/0/url", "https://eu.konvoai.com", "servers[0]", B, "old address"),
    (DOCUMENT, "/servers/-", {"url": "https://eu.konvoai.com"}, "servers[1]", C, "added"),
    (TWO, "/servers/0", REMOVED, "servers[1]", B, "removed"),
    (TWO, "/servers", TWO["servers"][::-1], "servers[0]", B, "api.konvoai.com became"),
    # operations and paths
    (DOCUMENT, f"{GET}/operationId", "sessions", HERE, B, "Python names"),
    (DOCUMENT, f"{GET}/tags/0", "sessions", HERE, B, "the module"),
    (DOCUMENT, f"{GET}/tags/-", "more", HERE, C, "tags"),
    (DOCUMENT, f"{GET}/deprecated", True, HERE, C, "works as before"),
    (DOCUMENT, f"{GET}/callbacks", {"done": {}}, HERE, B, "callbacks"),
    (DOCUMENT, "/paths/~1ai-sessions/post", {"operationId": "add"}, "POST /ai-sessions", C, "added"),
    (DOCUMENT, GET, REMOVED, HERE, B, "removed"),
    (DOCUMENT, "/paths/~1ai-sessions", REMOVED, HERE, B, "removed"),
    (DOCUMENT, "/paths/~1ai-sessions/x-owner", "support", "document", C, "x-owner"),
    (DOCUMENT, "/x-gateway", {"a": 1}, "document", C, "x-gateway"),
    (DOCUMENT, "/openapi", "3.0.3", "document", C, "3.0.3"),
    (DOCUMENT, "/unknown", 1, "document", B, "unknown"),
]  # fmt: skip


SEVERAL_LINES = {
    "#/nowhere",
    "string",
    "calls without it are refused",
    "string became",
    "api.konvoai.com became",
}
"""Changes that take more than one line."""


@pytest.mark.parametrize(("old", "pointer", "value", "path", "breaking", "word"), CASES)
def test_a_change_is_one_line(old: Any, pointer: str, value: Any, path: str, breaking: bool, word: str) -> None:
    changes = differences(old, put(old, pointer, value))
    found = [change for change in changes if word in change.what]
    assert [(path, breaking)] == [(change.path, change.breaking) for change in found], changes
    assert found == changes or value is REMOVED or word in SEVERAL_LINES, changes


@pytest.mark.parametrize(
    ("rename", "line"),
    [
        (renamed(f"{SESSION}/contact_id", "client_id"), "breaking   schema AISession.contact_id: renamed to client_id"),
        (renamed("/paths/~1ai-sessions", "/sessions"), "breaking   GET /ai-sessions: renamed to GET /sessions: old"),
        (renamed(GET, "post"), "breaking   GET /ai-sessions: renamed to POST /ai-sessions"),
        (renamed(f"{OK}/content/application~1json", "text/json"), "breaking   GET /ai-sessions, response 200, app"),
    ],
)  # fmt: skip
def test_a_change_of_name_alone_is_a_rename(rename: Callable[[Any], Any], line: str) -> None:
    (change,) = differences(DOCUMENT, rename(DOCUMENT))
    assert str(change).startswith(line)


def test_a_renamed_operation_is_compared_with_its_old_self() -> None:
    moved = put(renamed("/paths/~1ai-sessions", "/sessions")(DOCUMENT), "/paths/~1sessions/get/deprecated", True)
    assert [True, False] == [change.breaking for change in differences(DOCUMENT, moved)]


def test_a_shared_schema_changes_once_and_by_its_usage() -> None:
    used_twice = put(DOCUMENT, f"{GET}/responses/404", DOCUMENT["paths"]["/ai-sessions"]["get"]["responses"]["400"])
    (change,) = differences(used_twice, put(used_twice, f"{SCHEMAS}/Error/properties/error/format", "int64"))
    assert ("schema Error.error", False) == change[:2]
    (change,) = differences(SENDING, put(SENDING, f"{SCHEMAS}/Error/properties/error/format", "int64"))
    assert ("schema Error.error", True) == change[:2]


def test_a_renamed_class_is_listed_wherever_it_is_the_type() -> None:
    changed = put(renamed(f"{SCHEMAS}/AISessionState", "Skill")(DOCUMENT), f"{SESSION}/state/$ref", f"#{SCHEMAS}/Skill")
    assert [
        "schema AISession.state: $ref AISessionState became Skill: the Python type is another one",
        "schema AISessionState: renamed to Skill: its class is renamed",
    ] == [str(change).removeprefix("breaking").strip() for change in differences(DOCUMENT, changed)]


def test_an_inline_schema_instead_of_a_class_changes_the_type() -> None:
    pointer = f"{GET}/responses/400/content/application~1json/schema"
    first, *_ = differences(DOCUMENT, put(DOCUMENT, pointer, DOCUMENT["components"]["schemas"]["Error"]))
    assert ("GET /ai-sessions, response 400, application/json", True) == first[:2]
    assert "$ref Error removed: the Python type is another one" == first.what


def test_a_ref_to_a_parameter_equals_the_parameter() -> None:
    shared = put(DOCUMENT, "/components/parameters/Limit", DOCUMENT["paths"]["/ai-sessions"]["get"]["parameters"][1])
    assert [] == differences(shared, put(shared, LIMIT, {"$ref": "#/components/parameters/Limit"}))


def test_a_parameter_of_a_path_equals_one_of_its_operation() -> None:
    first, *others = DOCUMENT["paths"]["/ai-sessions"]["get"]["parameters"]
    shared = put(put(DOCUMENT, f"{GET}/parameters", others), "/paths/~1ai-sessions/parameters", [first])
    assert [] == differences(DOCUMENT, shared)


def test_a_recursive_schema_is_compared() -> None:
    inner = {"properties": {"inner": {"$ref": OTHER}}}
    recursive = put(DOCUMENT, f"{SCHEMAS}/Other", {"properties": {"inner": inner}})
    (change,) = differences(recursive, put(recursive, f"{SCHEMAS}/Other/properties/inner/type", "string"))
    assert ("schema Other.inner", True) == change[:2]


PROSE_FIELDS = {"description", "summary", "example", "examples", "externalDocs", "title"}
MAP_FIELDS = {"properties", "responses", "content", "schemas", "securitySchemes", "paths"}  # their keys are names


def meaningful(document: Any, inside: str = "", path: str = "") -> list[str]:
    """Return the JSON pointers of everything but prose."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    found = []
    for key, value in inner:
        if (key in PROSE_FIELDS and inside not in MAP_FIELDS) or (key == "info" and not path):
            continue
        pointer = f"{path}/{str(key).replace('/', '~1')}"
        found += [pointer, *meaningful(value, str(key) if inside not in MAP_FIELDS else "", pointer)]
    return found


RICH = with_changes(
    (BODY, {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}),
    (f"{SESSION}/any", {"oneOf": [TEXT, {"type": "integer", "minimum": 3}], "nullable": True}),
    (f"{SESSION}/all", {"allOf": [{"$ref": "#/components/schemas/Error"}, {"properties": {"description": TEXT}}]}),
    (f"{SESSION}/map", {"type": "object", "additionalProperties": {"type": "number", "default": 0}}),
    (f"{SESSION}/title", {"type": "string", "x-a": {"b": [1, None]}, "deprecated": True}),
    ("/paths/~1ai-sessions/parameters", [{"name": "v", "in": "header", "required": True, "schema": TEXT}]),
    ("/components/parameters", {"Page": {"name": "page", "in": "query", "schema": {"$ref": f"#{SCHEMAS}/Id"}}}),
    ("/components/schemas/Id", {"type": "string", "pattern": "^a"}),
    ("/tags", [{"name": "ai-sessions"}, {"name": "more"}]),
)  # fmt: skip
POINTERS = [pointer for pointer in meaningful(RICH) if pointer != "/paths"]  # a document without paths is refused
ADDED_KEYS = ["zz", "x-zz", "nullable", "enum", "required", "$ref", "default"]
scalars = (
    st.none() | st.booleans() | st.integers(-3, 300) | st.sampled_from(["", "string", "query", "page", "object", "200"])
)
values = scalars | st.sampled_from([[], {}, [1], {"type": "string"}, {"$ref": "#/components/schemas/Id"}, ["page"]])


def value_at(document: Any, pointer: str) -> Any:
    for step in pointer.removeprefix("/").split("/"):
        document = document[int(step)] if isinstance(document, list) else document[step.replace("~1", "/")]
    return document


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, Any]:
    """Draw the document with one change of meaning, and the description of that change."""
    pointer = draw(st.sampled_from(POINTERS))
    value = value_at(RICH, pointer)
    methods = [
        "replace",
        "remove",
        *(["add"] if isinstance(value, dict | list) else []),
        *(["swap"] if isinstance(value, list) and len(value) > 1 else []),
    ]
    method = draw(st.sampled_from(methods))
    if method == "remove":
        return f"{method} {pointer}", put(RICH, pointer, REMOVED)
    if method == "swap":
        return f"{method} {pointer}", put(RICH, pointer, [*value[1:], value[0]])
    if method == "add":
        key = "-" if isinstance(value, list) else draw(st.sampled_from(ADDED_KEYS))
        added = draw(values)
        return f"{method} {pointer}/{key} {added!r}", put(RICH, f"{pointer}/{key}", added)
    other = draw(values)
    return f"{method} {pointer} {other!r}", put(RICH, pointer, other)


def meaning(document: Any) -> list[tuple[str, str]]:
    """Return every pointer of the document with its value, except prose."""
    found = [(pointer, value_at(document, pointer)) for pointer in meaningful(document)]
    return [(pointer, repr(type(value) if isinstance(value, dict | list) else value)) for pointer, value in found]


@pytest.mark.drawn
@given(mutations())
def test_every_change_except_of_prose_is_listed(mutation: tuple[str, Any]) -> None:
    changed = mutation[1]
    changes = differences(RICH, changed)
    assert bool(changes) == (sorted(meaning(RICH)) != sorted(meaning(changed)))
    assert bool(differences(changed, RICH)) == bool(changes)


@pytest.mark.drawn
@HALF_THE_EXAMPLES
@given(st.integers(), mutations())
def test_the_order_of_keys_changes_nothing(seed: int, mutation: tuple[str, Any]) -> None:
    draw = random.Random(seed)

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shuffled(value[key]) for key in draw.sample([*value], len(value))}
        return [shuffled(one) for one in value] if isinstance(value, list) else value

    assert [] == differences(mutation[1], mutation[1])
    assert [] == differences(mutation[1], shuffled(mutation[1]))


@pytest.mark.parametrize(
    "pointer", [f"{GET}/description", f"{CHANNEL}/example", f"{SESSION}/id/title", "/info/version"]
)
def test_prose_changes_nothing(pointer: str) -> None:
    assert [] == differences(DOCUMENT, put(DOCUMENT, pointer, "other words"))


@pytest.mark.parametrize(
    ("breaking", "version", "following"),
    [
        (True, "0.1.3", "0.2.0"),
        (False, "0.1.3", "0.1.4"),
        (True, "1.2.3", "2.0.0"),
        (False, "1.2.3", "1.3.0"),
    ],
)
def test_the_next_version_follows_semantic_versioning(breaking: bool, version: str, following: str) -> None:
    assert next_release([Change("here", breaking, "added: why")], version)[0] == following


def test_the_entry_has_the_style_of_the_changelog() -> None:
    changes = [Change("here", True, "removed: " + "long " * 30), Change("there", False, "enum value a added: why")]
    entry = next_release(changes, "0.1.0")[1]
    first, _, *lines = entry.splitlines()
    assert "## [0.2.0] - unreleased" == first
    assert ["### Added", "", "- `there`: enum value a added: why.", "", "### Removed", ""] == lines[:6]
    assert lines[6].startswith("- Breaking: `here`: removed: long")
    assert lines[7].startswith("  long")
    assert all(len(line) <= 120 for line in lines)


def run(*arguments: str | Path) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "scripts.contract.diff", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A copy of the API document, in its own git repository."""
    copied = tmp_path / "openapi.yaml"
    copied.write_bytes((ROOT / "openapi.yaml").read_bytes())
    git = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(["git", *command], cwd=tmp_path, env={**os.environ, **git}, check=True, timeout=30)
    return copied


def replace(document: Path, old: str, new: str) -> None:
    text = document.read_text(encoding="utf-8")
    assert old in text
    document.write_text(text.replace(old, new), encoding="utf-8")


def test_the_exit_code_is_1_for_a_breaking_change(document: Path) -> None:
    assert (0, "", "") == run("HEAD", document)
    replace(document, "- instagram", "- instagram\n            - sms")
    code, out, _ = run("HEAD", document)
    assert (0, "compatible schema AISession.channel: enum value sms added") == (code, out.split(": the client")[0])
    assert "## [0.1.1] - unreleased" in out
    replace(document, "maximum: 200", "maximum: 100")
    code, out, _ = run(ROOT / "openapi.yaml", document)
    assert 1 == code
    assert "breaking   GET /ai-sessions, parameter limit: maximum 200 became 100: values that were right" in out


def test_an_unknown_commit_is_exit_code_2(document: Path) -> None:
    code, out, error = run("nope", document)
    assert (2, "", True) == (code, out, error.startswith("There is no openapi.yaml at nope: ")), error


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("openapi: 3.0.1\npaths: {a: b\n", ", line 3, column 1: "),
        ("openapi: 3.0.1\nopenapi: 3.0.1", ", line 2, column 1: found duplicate key"),
        ("openapi: 3.0.1\na: \0", ", line 2, column 4: "),
        ("openapi: &a [*a]", "contains itself"),
        ("a: 1", " is not an OpenAPI document"),
        ("[openapi]", " is not an OpenAPI document"),
        (None, "No such file"),
    ],
)
def test_an_unreadable_document_is_one_line_on_stderr(
    text: str | None, reason: str, document: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = document.parent / "other.yaml"
    if text is not None:
        other.write_text(text)
    assert 2 == main([str(document), str(other)])
    out, error = capsys.readouterr()
    assert ("", 1) == (out, len(error.splitlines())), error
    assert reason in error
    assert 2 == main(["HEAD", str(other)])
    assert capsys.readouterr().err.startswith("There is no other.yaml at HEAD: ")
