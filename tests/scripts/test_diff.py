"""scripts/contract/diff.py, on the API document itself with one thing changed."""

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
from scripts.contract.release_notes import release
from tests.support import ROOT
from tests.support.api_document import load

DOCUMENT: dict[str, Any] = load()
FEWER = settings(max_examples=settings().max_examples // 2)

GET = "/paths/~1ai-sessions/get"
LIMIT = f"{GET}/parameters/1"
BODY = f"{GET}/requestBody"
OK = f"{GET}/responses/200"
ANSWER = f"{OK}/content/application~1json/schema"
SCHEMAS = "/components/schemas"
SESSION = f"{SCHEMAS}/AISession/properties"
TRAIL = f"{SCHEMAS}/AISessionState/properties/trail"
CHANNEL = f"{SESSION}/channel"
OTHER = "#/components/schemas/Other"
KEY = "/components/securitySchemes/apiKeyAuth"
TEXT = {"type": "string"}
GONE: Any = object()


def put(document: Any, place: str, value: Any) -> Any:
    """A copy with another value at a JSON pointer, or without it; `-` is the end of a list."""
    made = copy.deepcopy(document)
    *steps, last = (step.replace("~1", "/") for step in place.removeprefix("/").split("/"))
    inside = made
    for step in steps:
        inside = inside[int(step)] if isinstance(inside, list) else inside.setdefault(step, {})
    if isinstance(inside, list):
        if last == "-":
            inside.append(value)
        elif value is GONE:
            del inside[int(last)]
        else:
            inside[int(last)] = value
    elif value is GONE:
        del inside[last]
    else:
        inside[last] = value
    return made


def renamed(place: str, name: str) -> Callable[[Any], Any]:
    """Rename a key where it is."""

    def rename(document: Any) -> Any:
        made = copy.deepcopy(document)
        *steps, last = (step.replace("~1", "/") for step in place.removeprefix("/").split("/"))
        inside = made
        for step in steps:
            inside = inside[step]
        entries = [(name if key == last else key, value) for key, value in inside.items()]
        inside.clear()
        inside.update(entries)
        return made

    return rename


def after(*changes: tuple[str, Any]) -> Any:
    document: Any = DOCUMENT
    for place, value in changes:
        document = put(document, place, value)
    return document


def session(field: str) -> str:
    return f"schema AISession.{field}"


SENT = after((BODY, {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}))
HINTED = after((f"{SCHEMAS}/Error/properties/hint", TEXT), (f"{SCHEMAS}/Error/required/-", "hint"))["components"][
    "schemas"
]["Error"]
CLOSED = after((f"{SCHEMAS}/Error/additionalProperties", False))
NULLABLE = after((f"{CHANNEL}/nullable", True))
UNION = after((f"{SESSION}/id", {"oneOf": [TEXT, {"type": "integer"}]}))
COMPOSED = after((f"{SESSION}/id", {"allOf": [TEXT]}))
REQUIRED = after((f"{LIMIT}/required", True))
OBJECT = after((f"{SESSION}/id", {"type": "object", "title": "Key"}))
SENT_NULL = put(SENT, f"{SCHEMAS}/Error/properties/message/nullable", True)
TWO = after(("/servers/-", {"url": "https://eu.konvoai.com"}))
FIXED = after((f"{GET}/parameters/-", {"name": "locale", "in": "header", "schema": TEXT}))
MAP = after((f"{SESSION}/id", {"type": "object", "additionalProperties": TEXT}))

HERE, THERE = "GET /ai-sessions", "GET /ai-sessions, parameter limit"
B, C = True, False
Case = tuple[Any, str, Any, str, bool, str]
CASES: list[Case] = [
    # parameters
    (DOCUMENT, f"{GET}/parameters/-", {"name": "q", "in": "query", "schema": TEXT}, f"{HERE}, parameter q", C, "added"),
    (DOCUMENT, f"{GET}/parameters/-", {"name": "q", "required": True}, f"{HERE}, parameter q", B, "added"),
    (DOCUMENT, LIMIT, GONE, THERE, B, "removed"),
    (DOCUMENT, f"{LIMIT}/name", "size", THERE, B, "renamed to size"),
    (DOCUMENT, f"{LIMIT}/required", True, THERE, B, "refused"),
    (REQUIRED, f"{LIMIT}/required", False, THERE, C, "leave it out"),
    (DOCUMENT, f"{LIMIT}/required", False, THERE, C, "says the same"),
    (DOCUMENT, f"{LIMIT}/in", "header", THERE, B, "query became header"),
    (DOCUMENT, f"{LIMIT}/deprecated", True, THERE, C, "deprecated"),
    (DOCUMENT, f"{LIMIT}/style", "form", THERE, B, "style"),
    (DOCUMENT, f"{LIMIT}/schema/type", "string", THERE, B, "integer became string"),
    (DOCUMENT, f"{LIMIT}/schema/format", "int64", THERE, B, "int32 became int64"),
    (DOCUMENT, f"{LIMIT}/schema/format", GONE, THERE, C, "format int32 removed"),
    (DOCUMENT, f"{GET}/parameters/2/schema/format", "date", f"{HERE}, parameter updated_at_min", B, "Python type"),
    (DOCUMENT, f"{LIMIT}/schema/maximum", 100, THERE, B, "maximum 200 became 100: values that were right"),
    (DOCUMENT, f"{LIMIT}/schema/maximum", 300, THERE, C, "maximum 200 became 300"),
    (DOCUMENT, f"{LIMIT}/schema/maximum", GONE, THERE, C, "maximum 200 removed"),
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
    (DOCUMENT, f"{GET}/responses/400", GONE, f"{HERE}, response 400", B, "removed"),
    (DOCUMENT, f"{OK}/content/text~1csv", {"schema": TEXT}, f"{HERE}, response 200, text/csv", C, "added"),
    (DOCUMENT, f"{OK}/content/application~1json", GONE, f"{HERE}, response 200, application/json", B, "removed"),
    (DOCUMENT, f"{OK}/headers/ETag", {"schema": TEXT}, f"{HERE}, response 200, header ETag", C, "added"),
    (DOCUMENT, ANSWER, GONE, f"{HERE}, response 200, application/json", B, "another one"),
    (DOCUMENT, f"{ANSWER}/$ref", "#/components/schemas/Error", f"{HERE}, response 200, application/json", B, "$ref"),
    (DOCUMENT, ANSWER, {"$ref": "#/nowhere"}, f"{HERE}, response 200, application/json", B, "#/nowhere"),
    # request bodies
    (DOCUMENT, BODY, {"required": True, "content": {}}, f"{HERE}, requestBody", B, "calls without it are refused"),
    (SENT, f"{BODY}/content/application~1json", GONE, f"{HERE}, requestBody, application/json", B, "removed"),
    (SENT, f"{SCHEMAS}/Error/properties/hint", TEXT, "schema Error.hint", C, "added"),
    (SENT, f"{SCHEMAS}/Error", HINTED, "schema Error.hint", B, "required, and calls without it are refused"),
    (SENT, f"{SCHEMAS}/Error/properties/message/maxLength", 9, "schema Error.message", B, "values that were right"),
    (SENT_NULL, f"{SCHEMAS}/Error/properties/message/nullable", False, "schema Error.message", B, "None is refused"),
    # schemas that answers hold
    (DOCUMENT, f"{SESSION}/mood", TEXT, session("mood"), C, "added"),
    (DOCUMENT, f"{SESSION}/contact_id", GONE, session("contact_id"), B, "removed"),
    (DOCUMENT, f"{SESSION}/contact_id/type", "integer", session("contact_id"), B, "string became integer"),
    (DOCUMENT, f"{SESSION}/contact_id/format", "uuid", session("contact_id"), B, "Python type"),
    (DOCUMENT, f"{SESSION}/created_at/format", GONE, session("created_at"), B, "Python type"),
    (DOCUMENT, f"{SCHEMAS}/Error/properties/error/format", "int64", "schema Error.error", C, "no call that was right"),
    (DOCUMENT, f"{CHANNEL}/enum/-", "sms", session("channel"), C, "enum value sms added"),
    (DOCUMENT, f"{CHANNEL}/enum/2", GONE, session("channel"), B, "enum value email removed"),
    (DOCUMENT, f"{CHANNEL}/enum/2", "mail", session("channel"), B, "enum value email renamed to mail"),
    (DOCUMENT, f"{CHANNEL}/enum", ["email", "live_chat", "whatsapp", "instagram"], session("channel"), C, "order"),
    (DOCUMENT, f"{CHANNEL}/enum", GONE, session("channel"), B, "enum"),
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
    (CLOSED, f"{SCHEMAS}/Error/additionalProperties", GONE, "schema Error", C, "kept"),
    (MAP, f"{SESSION}/id/additionalProperties/type", "integer", session("id.*"), B, "string became integer"),
    (COMPOSED, f"{SESSION}/id/allOf/0/type", "integer", session("id allOf[0]"), B, "string became integer"),
    (COMPOSED, f"{SESSION}/id/allOf/-", {"maxLength": 3}, session("id allOf[1]"), C, "added"),
    (COMPOSED, f"{SESSION}/id/allOf/0", GONE, session("id allOf[0]"), B, "removed"),
    (UNION, f"{SESSION}/id/oneOf/-", {"type": "boolean"}, session("id oneOf[2]"), B, "added"),
    (UNION, f"{SESSION}/id/oneOf/0", GONE, session("id oneOf[1]"), B, "removed"),
    (UNION, f"{SESSION}/id/oneOf", [{"type": "integer"}, TEXT], session("id oneOf[0]"), B, "string became"),
    (UNION, f"{SESSION}/id/discriminator", {"propertyName": "kind"}, session("id"), B, "discriminator"),
    (OBJECT, f"{SESSION}/id/title", "Identity", session("id"), B, "Python names"),
    (DOCUMENT, f"{SCHEMAS}/New", TEXT, "schema New", C, "added"),
    (DOCUMENT, f"{SCHEMAS}/Error", GONE, "schema Error", B, "removed"),
    # authentication and servers
    (DOCUMENT, "/security", GONE, "document", C, "right still"),
    (DOCUMENT, "/security/-", {"other": []}, "document", C, "right still"),
    (DOCUMENT, "/security/0", {"other": []}, "document", B, "may be refused"),
    (DOCUMENT, f"{GET}/security", [{"other": []}], HERE, B, "security"),
    (DOCUMENT, f"{KEY}/name", "x-key", "scheme apiKeyAuth", B, "x-api-key became x-key"),
    (DOCUMENT, f"{KEY}/in", "query", "scheme apiKeyAuth", B, "header became query"),
    (DOCUMENT, f"{KEY}/type", "http", "scheme apiKeyAuth", B, "apiKey became http"),
    (DOCUMENT, KEY, GONE, "scheme apiKeyAuth", B, "removed"),
    (DOCUMENT, "/servers/0/url", "https://eu.konvoai.com", "servers[0]", B, "old address"),
    (DOCUMENT, "/servers/-", {"url": "https://eu.konvoai.com"}, "servers[1]", C, "added"),
    (TWO, "/servers/0", GONE, "servers[1]", B, "removed"),
    (TWO, "/servers", TWO["servers"][::-1], "servers[0]", B, "api.konvoai.com became"),
    # operations and paths
    (DOCUMENT, f"{GET}/operationId", "sessions", HERE, B, "Python names"),
    (DOCUMENT, f"{GET}/tags/0", "sessions", HERE, B, "the module"),
    (DOCUMENT, f"{GET}/tags/-", "more", HERE, C, "tags"),
    (DOCUMENT, f"{GET}/deprecated", True, HERE, C, "works as before"),
    (DOCUMENT, f"{GET}/callbacks", {"done": {}}, HERE, B, "callbacks"),
    (DOCUMENT, "/paths/~1ai-sessions/post", {"operationId": "add"}, "POST /ai-sessions", C, "added"),
    (DOCUMENT, GET, GONE, HERE, B, "removed"),
    (DOCUMENT, "/paths/~1ai-sessions", GONE, HERE, B, "removed"),
    (DOCUMENT, "/paths/~1ai-sessions/x-owner", "support", "document", C, "x-owner"),
    (DOCUMENT, "/x-gateway", {"a": 1}, "document", C, "x-gateway"),
    (DOCUMENT, "/openapi", "3.0.3", "document", C, "3.0.3"),
    (DOCUMENT, "/unheard", 1, "document", B, "unheard"),
]  # fmt: skip


SEVERAL = {
    "#/nowhere",
    "string",
    "calls without it are refused",
    "string became",
    "api.konvoai.com became",
}  # what was there before goes, or more comes


@pytest.mark.parametrize(("old", "place", "value", "at", "breaking", "word"), CASES)
def test_a_change_is_one_line(old: Any, place: str, value: Any, at: str, breaking: bool, word: str) -> None:
    changes = differences(old, put(old, place, value))
    told = [change for change in changes if word in change.what]
    assert [(at, breaking)] == [(change.place, change.breaking) for change in told], changes
    assert told == changes or value is GONE or word in SEVERAL, changes


@pytest.mark.parametrize(
    ("rename", "line"),
    [
        (renamed(f"{SESSION}/contact_id", "client_id"), "breaking   schema AISession.contact_id: renamed to client_id"),
        (renamed("/paths/~1ai-sessions", "/sessions"), "breaking   GET /ai-sessions: renamed to GET /sessions: old"),
        (renamed(GET, "post"), "breaking   GET /ai-sessions: renamed to POST /ai-sessions"),
        (renamed(f"{OK}/content/application~1json", "text/json"), "breaking   GET /ai-sessions, response 200, app"),
    ],
)  # fmt: skip
def test_what_only_has_another_name_is_renamed(rename: Callable[[Any], Any], line: str) -> None:
    (change,) = differences(DOCUMENT, rename(DOCUMENT))
    assert str(change).startswith(line)


def test_a_renamed_operation_is_compared_with_what_it_was() -> None:
    moved = put(renamed("/paths/~1ai-sessions", "/sessions")(DOCUMENT), "/paths/~1sessions/get/deprecated", True)
    assert [True, False] == [change.breaking for change in differences(DOCUMENT, moved)]


def test_a_shared_schema_is_told_once_and_by_what_it_is_used_for() -> None:
    used_twice = put(DOCUMENT, f"{GET}/responses/404", DOCUMENT["paths"]["/ai-sessions"]["get"]["responses"]["400"])
    (change,) = differences(used_twice, put(used_twice, f"{SCHEMAS}/Error/properties/error/format", "int64"))
    assert ("schema Error.error", False) == change[:2]
    (change,) = differences(SENT, put(SENT, f"{SCHEMAS}/Error/properties/error/format", "int64"))
    assert ("schema Error.error", True) == change[:2]


def test_a_renamed_class_is_told_wherever_it_is_the_type() -> None:
    made = put(renamed(f"{SCHEMAS}/AISessionState", "Skill")(DOCUMENT), f"{SESSION}/state/$ref", f"#{SCHEMAS}/Skill")
    assert [
        "schema AISession.state: $ref AISessionState became Skill: the Python type is another one",
        "schema AISessionState: renamed to Skill: its class is renamed",
    ] == [str(change).removeprefix("breaking").strip() for change in differences(DOCUMENT, made)]


def test_a_schema_instead_of_a_class_is_another_type() -> None:
    place = f"{GET}/responses/400/content/application~1json/schema"
    first, *_ = differences(DOCUMENT, put(DOCUMENT, place, DOCUMENT["components"]["schemas"]["Error"]))
    assert ("GET /ai-sessions, response 400, application/json", True) == first[:2]
    assert "$ref Error removed: the Python type is another one" == first.what


def test_a_ref_to_a_parameter_and_the_parameter_are_the_same() -> None:
    shared = put(DOCUMENT, "/components/parameters/Limit", DOCUMENT["paths"]["/ai-sessions"]["get"]["parameters"][1])
    assert [] == differences(shared, put(shared, LIMIT, {"$ref": "#/components/parameters/Limit"}))


def test_a_parameter_said_for_its_path_is_as_one_said_for_its_operation() -> None:
    first, *others = DOCUMENT["paths"]["/ai-sessions"]["get"]["parameters"]
    shared = put(put(DOCUMENT, f"{GET}/parameters", others), "/paths/~1ai-sessions/parameters", [first])
    assert [] == differences(DOCUMENT, shared)


def test_a_schema_that_holds_itself_is_compared() -> None:
    inner = {"properties": {"inner": {"$ref": OTHER}}}
    holding = put(DOCUMENT, f"{SCHEMAS}/Other", {"properties": {"inner": inner}})
    (change,) = differences(holding, put(holding, f"{SCHEMAS}/Other/properties/inner/type", "string"))
    assert ("schema Other.inner", True) == change[:2]


WORDS = {"description", "summary", "example", "examples", "externalDocs", "title"}
MAPS = {"properties", "responses", "content", "schemas", "securitySchemes", "paths"}  # their keys are names


def meaningful(document: Any, inside: str = "", path: str = "") -> list[str]:
    """The JSON pointers of everything but words."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    found = []
    for key, value in inner:
        if (key in WORDS and inside not in MAPS) or (key == "info" and not path):
            continue
        place = f"{path}/{str(key).replace('/', '~1')}"
        found += [place, *meaningful(value, str(key) if inside not in MAPS else "", place)]
    return found


RICH = after(
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
PLACES = [place for place in meaningful(RICH) if place != "/paths"]  # without paths it is refused
ADDED = ["zz", "x-zz", "nullable", "enum", "required", "$ref", "default"]
scalars = (
    st.none() | st.booleans() | st.integers(-3, 300) | st.sampled_from(["", "string", "query", "page", "object", "200"])
)
values = scalars | st.sampled_from([[], {}, [1], {"type": "string"}, {"$ref": "#/components/schemas/Id"}, ["page"]])


def at(document: Any, place: str) -> Any:
    for step in place.removeprefix("/").split("/"):
        document = document[int(step)] if isinstance(document, list) else document[step.replace("~1", "/")]
    return document


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, Any]:
    """The document with one thing changed that is no wording, and what was done."""
    place = draw(st.sampled_from(PLACES))
    value = at(RICH, place)
    methods = [
        "replace",
        "remove",
        *(["add"] if isinstance(value, dict | list) else []),
        *(["swap"] if isinstance(value, list) and len(value) > 1 else []),
    ]
    method = draw(st.sampled_from(methods))
    if method == "remove":
        return f"{method} {place}", put(RICH, place, GONE)
    if method == "swap":
        return f"{method} {place}", put(RICH, place, [*value[1:], value[0]])
    if method == "add":
        key = "-" if isinstance(value, list) else draw(st.sampled_from(ADDED))
        added = draw(values)
        return f"{method} {place}/{key} {added!r}", put(RICH, f"{place}/{key}", added)
    other = draw(values)
    return f"{method} {place} {other!r}", put(RICH, place, other)


def meaning(document: Any) -> list[tuple[str, str]]:
    """What the document says at each place, but in words."""
    found = [(place, at(document, place)) for place in meaningful(document)]
    return [(place, repr(type(value) if isinstance(value, dict | list) else value)) for place, value in found]


@pytest.mark.drawn
@given(mutations())
def test_whatever_changes_but_words_is_told(mutation: tuple[str, Any]) -> None:
    made = mutation[1]
    changes = differences(RICH, made)
    assert bool(changes) == (sorted(meaning(RICH)) != sorted(meaning(made)))
    assert bool(differences(made, RICH)) == bool(changes)


@pytest.mark.drawn
@FEWER
@given(st.integers(), mutations())
def test_the_order_of_keys_changes_nothing(seed: int, mutation: tuple[str, Any]) -> None:
    draw = random.Random(seed)

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shuffled(value[key]) for key in draw.sample([*value], len(value))}
        return [shuffled(one) for one in value] if isinstance(value, list) else value

    assert [] == differences(mutation[1], mutation[1])
    assert [] == differences(mutation[1], shuffled(mutation[1]))


@pytest.mark.parametrize("place", [f"{GET}/description", f"{CHANNEL}/example", f"{SESSION}/id/title", "/info/version"])
def test_words_change_nothing(place: str) -> None:
    assert [] == differences(DOCUMENT, put(DOCUMENT, place, "other words"))


@pytest.mark.parametrize(
    ("breaking", "version", "following"),
    [
        (True, "0.1.3", "0.2.0"),
        (False, "0.1.3", "0.1.4"),
        (True, "1.2.3", "2.0.0"),
        (False, "1.2.3", "1.3.0"),
    ],
)
def test_the_next_version_is_that_of_semantic_versioning(breaking: bool, version: str, following: str) -> None:
    assert release([Change("here", breaking, "added: why")], version)[0] == following


def test_the_entry_is_in_the_style_of_the_changelog() -> None:
    changes = [Change("here", True, "removed: " + "long " * 30), Change("there", False, "enum value a added: why")]
    entry = release(changes, "0.1.0")[1]
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
    """A copy of the API document, in a repository of its own."""
    copied = tmp_path / "openapi.yaml"
    copied.write_bytes((ROOT / "openapi.yaml").read_bytes())
    git = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(["git", *command], cwd=tmp_path, env={**os.environ, **git}, check=True, timeout=30)
    return copied


def replace(document: Path, old: str, new: str) -> None:
    said = document.read_text(encoding="utf-8")
    assert old in said
    document.write_text(said.replace(old, new), encoding="utf-8")


def test_the_exit_code_tells_what_breaks_against_a_commit_and_between_two_files(document: Path) -> None:
    assert (0, "", "") == run("HEAD", document)
    replace(document, "- instagram", "- instagram\n            - sms")
    code, said, _ = run("HEAD", document)
    assert (0, "compatible schema AISession.channel: enum value sms added") == (code, said.split(": the client")[0])
    assert "## [0.1.1] - unreleased" in said
    replace(document, "maximum: 200", "maximum: 100")
    code, said, _ = run(ROOT / "openapi.yaml", document)
    assert 1 == code
    assert "breaking   GET /ai-sessions, parameter limit: maximum 200 became 100: values that were right" in said


def test_a_document_that_cannot_be_read_is_the_exit_code_2(document: Path) -> None:
    code, out, error = run("nope", document)
    assert (2, "", True) == (code, out, error.startswith("There is no openapi.yaml at nope: ")), error


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("openapi: 3.0.1\npaths: {a: b\n", ", line 3, column 1: "),
        ("openapi: 3.0.1\nopenapi: 3.0.1", ", line 2, column 1: found duplicate key"),
        ("openapi: 3.0.1\na: \0", ", line 2, column 4: "),
        ("openapi: &a [*a]", "holds itself"),
        ("a: 1", " is no OpenAPI document"),
        ("[openapi]", " is no OpenAPI document"),
        (None, "No such file"),
    ],
)
def test_what_cannot_be_read_is_told(
    said: str | None, told: str, document: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = document.parent / "other.yaml"
    if said is not None:
        other.write_text(said)
    assert 2 == main([str(document), str(other)])
    out, error = capsys.readouterr()
    assert ("", 1) == (out, len(error.splitlines())), error
    assert told in error
    assert 2 == main(["HEAD", str(other)])
    assert capsys.readouterr().err.startswith("There is no other.yaml at HEAD: ")
