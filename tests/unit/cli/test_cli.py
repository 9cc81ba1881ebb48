"""The command `konvo`, in this process and as its own, against the mock server."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest

from konvoai._cli.main import konvo as group
from konvoai._cli.resource_commands import resource_class
from konvoai._generated.attributes import COMMANDS
from konvoai.testing._http_server import Reply, serving
from konvoai.testing._server import MockServer, mock_server
from konvoai.testing._store.store import Store
from tests.support.command import KONVO, InProcess, environment, konvo, started
from tests.support.http_server import replies

START = datetime(2026, 11, 1, tzinfo=UTC)
HEAVY = {"httpx", "attrs", "msgspec", "konvo_api_client"}


@pytest.fixture
def server() -> Iterator[MockServer]:
    with mock_server(Store.of(450, START)) as running:
        yield running


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> InProcess:
    monkeypatch.chdir(tmp_path)
    return InProcess(monkeypatch, capsys)


def ids(lines: str) -> list[str]:
    return [json.loads(line)["id"] for line in lines.splitlines()]


def test_a_list_in_a_pipe_is_json_lines(server: MockServer) -> None:
    done = konvo("sessions", "list", url=server.url)
    assert (0, "") == (done.returncode, done.stderr)
    assert server.store.ids_in_order() == ids(done.stdout)


@pytest.mark.parametrize("output", ["json", "csv", "table"])
def test_the_other_formats_have_the_same_records(server: MockServer, output: str) -> None:
    done = konvo("sessions", "list", "--state", "--messages", "--take", "250", "-o", output, url=server.url)
    assert (0, "") == (done.returncode, done.stderr)
    if output == "json":
        found = [record["id"] for record in json.loads(done.stdout)]
    elif output == "csv":
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        found = [row["id"] for row in rows]
        assert ("true", 3) == (rows[0]["status__unresolved"], len(json.loads(rows[3]["messages"])))
    else:
        head, *lines = done.stdout.splitlines()
        found = [line.split()[0] for line in lines]
        assert head.startswith("id ")
    assert server.store.ids_in_order()[:250] == found


def test_an_empty_list_is_empty_in_each_format(in_process: InProcess) -> None:
    with mock_server(Store()) as server:
        said = {form: in_process("sessions", "list", "-o", form, url=server.url) for form in ("json", "jsonl", "table")}
    assert {"json": "[]\n", "jsonl": "", "table": ""} == {form: done.stdout for form, done in said.items()}


def test_a_small_take_needs_one_request(server: MockServer) -> None:
    assert 3 == len(ids(konvo("sessions", "list", "--take", "3", url=server.url).stdout))
    assert ["3"] == [request["limit"] for request in server.store.requests]


def test_times_are_iso_times_dates_or_durations_before_now(in_process: InProcess, server: MockServer) -> None:
    in_process("sessions", "count", "--since", "2026-11-01", "--until", "2026-11-02T12:30:00+01:00", url=server.url)
    in_process("sessions", "count", "--since", "7d", url=server.url)
    konvo("sessions", "count", "--since", "2026-11-01T09:30", url=server.url, given={"TZ": "Europe/Berlin"})
    first, second, third = server.store.requests
    assert ("2026-11-01T00:00:00.000Z", "2026-11-02T11:30:00.000Z") == (
        first["updated_at_min"],
        first["updated_at_max"],
    )
    ago = datetime.now(UTC) - datetime.fromisoformat(second["updated_at_min"])
    assert timedelta(days=7) <= ago < timedelta(days=7, minutes=5)
    assert "2026-11-01T08:30:00.000Z" == third["updated_at_min"]


def test_a_count_is_a_number(server: MockServer) -> None:
    done = konvo("sessions", "count", url=server.url)
    assert ("450\n", "") == (done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["sessions", "list", "--since", "7x"], "7d or 12h"),
        (["sessions", "list", "--since", "1d", "--until", "2d"], "--since must not be after --until"),
        (["sessions", "list", "--take", "0"], "--take"),
        (["sessions", "export"], "--to"),
        (["sessions", "export", "--to", "a.xlsx"], ".parquet"),
        (["sessions", "export", "--to", "a.csv", "--drop", "phone"], "the fields are id, "),
        (["sessions", "export", "--to", "a.csv", "--hash", "id"], "KONVO_HASH_SECRET"),
        (["session"], "sessions"),
        (["sessions", "lst"], "'list'"),
    ],
)
def test_wrong_usage_has_exit_code_2(arguments: list[str], word: str, in_process: InProcess, tmp_path: Path) -> None:
    done = in_process(*arguments)
    assert (2, "") == (done.returncode, done.stdout)
    assert word in done.stderr
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_key_has_exit_code_4(status: int, in_process: InProcess) -> None:
    with serving(replies(Reply(b"{}", status))) as server:
        done = in_process("sessions", "count", url=server.url)
    assert (4, "", 1) == (done.returncode, done.stdout, len(done.stderr.splitlines()))
    assert str(status) in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["sync", "--to", "none/a.duckdb"], 1, "there is no folder"),
        (["sync", "--lookback", "x"], 2, "12h or 1d"),
        (["sync"], 4, "401"),
        (["report"], 1, "konvo sync --to konvo.duckdb"),
    ],
)
def test_sync_and_report_explain_their_errors(
    arguments: list[str], code: int, word: str, in_process: InProcess
) -> None:
    with mock_server(Store.of(5), key="another") as server:
        done = in_process(*arguments, url=server.url)
    assert (code, "", True) == (done.returncode, done.stdout, word in done.stderr), done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_key_has_exit_code_4(in_process: InProcess, tmp_path: Path) -> None:
    done = in_process("sessions", "count", given={"KONVO_API_KEY": ""})
    assert (4, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert "KONVO_API_KEY_FILE" in done.stderr
    done = in_process("sessions", "count", given={"KONVO_API_KEY": "", "KONVO_API_KEY_FILE": str(tmp_path / "none")})
    assert (4, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert "No such file" in done.stderr


def test_the_key_may_be_in_a_file(in_process: InProcess, server: MockServer, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    server.key = "from-a-file"
    given = {"KONVO_API_KEY": "", "KONVO_API_KEY_FILE": str(tmp_path / "key")}
    assert "450\n" == in_process("sessions", "count", url=server.url, given=given).stdout
    server.key = "another"
    done = in_process("sessions", "count", url=server.url, given=given)
    assert (4, False) == (done.returncode, "from-a-file" in done.stderr)
    assert "check the key in the file of KONVO_API_KEY_FILE" in done.stderr


def test_an_error_is_one_line_and_with_debug_a_traceback() -> None:
    with serving(replies(*[Reply(b"<html>", 404)] * 2)) as server:
        done = konvo("sessions", "list", url=server.url)
        assert (1, "", 1) == (done.returncode, done.stdout, len(done.stderr.splitlines()))
        assert done.stderr.startswith("konvo: 404 Not Found from GET")
        done = konvo("--debug", "sessions", "list", url=server.url)
    assert (1, True) == (done.returncode, "Traceback (most recent call last)" in done.stderr)


def test_ctrl_c_ends_with_130(server: MockServer) -> None:
    server.fault = lambda request: "slow"
    process = started("sessions", "list", url=server.url)
    while not server.requests:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=30)
    assert (130, "", "interrupted") == (process.returncode, out, error.strip())


def test_a_closed_pipe_ends_quietly(server: MockServer) -> None:
    with started("sessions", "list", "--messages", url=server.url) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert "" == process.stderr.read()
        assert 0 == process.wait(30)


def on_a_terminal(*arguments: str, url: str) -> str:
    """Returns what a process shows on a terminal of 80 columns."""
    ours, its = pty.openpty()
    environ = {**environment(url), "COLUMNS": "80", "LINES": "24"}
    process = subprocess.Popen([KONVO, *arguments], env=environ, stdin=its, stdout=its, stderr=its)
    os.close(its)
    said = b""
    while select.select([ours], [], [], 30)[0]:
        try:
            said += os.read(ours, 65536)
        except OSError:  # Linux raises it where the other end is closed
            break
    process.wait(30)
    os.close(ours)
    return said.decode()


def test_a_list_on_a_terminal_is_a_table_that_fits(server: MockServer) -> None:
    lines = on_a_terminal("sessions", "list", "--take", "5", "--state", url=server.url).splitlines()
    assert 6 == len(lines)
    assert lines[0].startswith("id ")
    assert max(map(len, lines)) <= 80


def test_control_characters_are_escaped() -> None:
    record = {"id": "\x1b[2J\u202eab\n", "channel": "\U0001f600" * 30}
    with serving(replies(Reply(json.dumps({"count": 1, "result": [record]}).encode()))) as server:
        done = konvo("sessions", "list", "--take", "1", "-o", "table", url=server.url)
    row = done.stdout.splitlines()[1]
    assert row.startswith(r"\x1b[2J\u202eab\n  ")
    assert row.endswith("…")


def test_progress_is_on_a_terminal_only(server: MockServer, tmp_path: Path) -> None:
    done = konvo("sessions", "export", "--to", tmp_path / "a.jsonl", url=server.url)
    assert f"450 sessions in {tmp_path / 'a.jsonl'}\n" == done.stderr
    said = on_a_terminal("sessions", "export", "--to", str(tmp_path / "b.jsonl"), url=server.url)
    assert "450/450" in said
    assert re.search(r"\d/s, up to \d{4}-\d\d-\d\d \d\d:\d\d", said)


def commands() -> Iterator[list[str]]:
    for name, command in group.commands.items():
        yield [name]
        if isinstance(command, click.Group):
            yield from ([name, inner] for inner in command.list_commands(click.Context(command)))


@pytest.mark.parametrize("path", [[], *commands()], ids=" ".join)
def test_every_command_has_help(path: list[str], in_process: InProcess) -> None:
    done = in_process(*path, "--help")
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.startswith(f"Usage: {' '.join(['konvo', *path])} ")
    assert path in ([], ["sessions"], ["doctor"]) or "  Examples:\n    konvo " in done.stdout


@pytest.mark.parametrize(
    ("statement", "later"),
    [
        ("from konvoai._cli.main import main; import sys; sys.argv[1:] = ['--help']; main()", HEAVY),
        ("from konvoai import Konvo", HEAVY - {"httpx"}),
    ],
)
def test_heavy_packages_are_imported_on_first_use(statement: str, later: set[str]) -> None:
    code = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert not later & set(done.stdout.split())


def test_every_resource_class_has_its_commands() -> None:
    for name, cls in {command: resource_class(command) for command in COMMANDS}.items():
        assert cls.parameters().others.keys() == cls.flags.keys() | cls.filters.keys()
        assert cls.flags.keys() <= cls.parameters().flags
        resource = group.commands[name]
        assert isinstance(resource, click.Group)
        assert ["list", "count", "export"] == resource.list_commands(click.Context(resource))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(shell: str, in_process: InProcess) -> None:
    done = in_process("completion", shell)
    assert (0, True) == (done.returncode, "_KONVO_COMPLETE" in done.stdout)


def test_completion_knows_the_commands() -> None:
    given = {"_KONVO_COMPLETE": "bash_complete", "COMP_WORDS": "konvo sessions ex", "COMP_CWORD": "2"}
    assert "plain,export\n" == konvo(given=given).stdout


@pytest.mark.parametrize(
    ("package", "command", "extra"),
    [
        ("click", "--help", "cli"),
        ("pyarrow", "sessions export --to none.parquet", "parquet"),
        ("dlt", "sync", "sync"),
        ("altair", "report", "report"),
    ],
)
def test_a_missing_extra_names_the_command_that_installs_it(
    package: str, command: str, extra: str, tmp_path: Path
) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; sys.argv[1:] = {command.split()!r}\n"
    code += "from konvoai._cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment("http://127.0.0.1:9"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (1, 1) == (done.returncode, len(done.stderr.splitlines())), done.stderr
    assert f"pip install 'konvoai[{extra}]'" in done.stderr


def test_the_doctor_reports_whether_the_server_conforms(server: MockServer) -> None:
    server.key = environment("")["KONVO_API_KEY"]
    done = konvo("doctor", url=server.url)
    assert 0 == done.returncode, done.stdout
    assert "count: all records that match the filters\n" in done.stdout
    assert done.stdout.endswith("requests, 0 deviations from the API document\n")
    server.store.filters = None
    done = konvo("doctor", url=server.url)
    assert (1, True) == (done.returncode, "deviation: " in done.stdout)
    server.key = "another"
    assert 4 == konvo("doctor", url=server.url).returncode
