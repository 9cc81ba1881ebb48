"""The wheel: built from the sdist, installed in an environment with only the runtime dependencies."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import konvoai
from konvoai._version import INSTALL_EXTRA
from tests.support import ROOT
from tests.support.pages import PAGES

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
IMPORT_ALL = """
import importlib, pkgutil
for name in ("konvoai", "konvo_api_client"):
    print(importlib.import_module(name).__file__)
    for module in pkgutil.walk_packages(importlib.import_module(name).__path__, name + "."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            print(module.name, error.name)
        except SystemExit as error:
            print(module.name, error)
"""
READ_THE_MOCK = """
from konvoai.testing import MockKonvo
with MockKonvo(sessions=3) as mock, mock.client() as konvo:
    print(len(list(konvo.ai_sessions.scan(messages=True, state=True))), "sessions")
"""
EXTRA_PACKAGES = {"click", "pyarrow", "pyspark", "dlt", "duckdb", "altair", "vl_convert"}


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=60)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def build(target: str, source: Path, folder: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", folder, cwd=source)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source")
    with tarfile.open(sdist) as archive:
        archive.extractall(source, filter="data")
    return build("wheel", source / sdist.name.removesuffix(".tar.gz"), tmp_path_factory.mktemp("wheel"))


def with_dependencies(*names: str) -> dict[str, Distribution]:
    """Return the named distributions and everything that they require here."""
    found: dict[str, Distribution] = {}
    pending = list(names)
    while pending:
        name = canonicalize_name(pending.pop())
        if name not in found:
            found[name] = distribution(name)
            requirements = map(Requirement, found[name].requires or ())
            pending += [r.name for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    return found


def test_the_wheel_has_both_packages_and_nothing_else(wheel: Path) -> None:
    found = [*ROOT.glob("wrapper/*/**/*"), *ROOT.glob("generated/konvo_api_client/**/*")]
    files = [path.relative_to(ROOT) for path in found if path.is_file() and "__pycache__" not in path.parts]
    modules = {"konvoai/openapi.yaml", *("/".join(path.parts[1:]) for path in files)}
    about = {
        f"konvoai-{konvoai.__version__}.dist-info/{name}"
        for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt")
    }
    about.add(f"konvoai-{konvoai.__version__}.dist-info/licenses/LICENSE")
    with zipfile.ZipFile(wheel) as archive:
        assert sorted(modules | about) == sorted(archive.namelist())
    assert {"konvoai/py.typed", "konvo_api_client/py.typed"} <= modules


def test_the_sdist_and_the_tree_give_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    assert wheel.read_bytes() == build("wheel", ROOT, tmp_path).read_bytes()


def test_it_imports_with_only_its_dependencies(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "clean", cwd=tmp_path)
    python = tmp_path / "clean" / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    dependencies = [Requirement(line).name for line in PROJECT["project"]["dependencies"]]
    for installed in with_dependencies(*dependencies).values():  # copied to avoid a download
        for file in installed.files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), site / file)
    uv_pip = (sys.executable, "-m", "uv", "pip")
    run(*uv_pip, "install", "--python", python, "--offline", "--no-cache", "--no-deps", wheel, cwd=tmp_path)
    run(*uv_pip, "check", "--python", python, cwd=tmp_path)

    lines = run(python, "-W", "error", "-c", IMPORT_ALL, cwd=tmp_path).splitlines()
    missing = dict(line.split(" ", 1) for line in lines if not line.startswith("/"))
    packages = [str(site / name / "__init__.py") for name in ("konvoai", "konvo_api_client")]
    assert packages == [line for line in lines if line.startswith("/")]
    assert (
        f"the command konvo needs click: {INSTALL_EXTRA.format('cli')}"
        == missing.pop("konvoai._cli.main")
        == missing.pop("konvoai.__main__")
    )
    assert "pytest" == missing.pop("konvoai.testing.pytest_plugin")
    assert {package.partition(".")[0] for package in missing.values()} <= EXTRA_PACKAGES
    assert (
        not {"konvoai._client", "konvoai._doctor.runner", "konvoai._export.export", "konvoai.models"} & missing.keys()
    )
    assert "3 sessions\n" == run(python, "-W", "error", "-c", READ_THE_MOCK, cwd=tmp_path)
    konvo = subprocess.run(
        [python.with_name("konvo"), "--help"], capture_output=True, text=True, timeout=30, check=False
    )
    assert (1, f"the command konvo needs click: {INSTALL_EXTRA.format('cli')}\n") == (konvo.returncode, konvo.stderr)


def test_the_install_lines_name_extras_that_exist(wheel: Path) -> None:
    """`make setup` installs their packages, which the tests use."""
    extras = PROJECT["project"]["optional-dependencies"]
    named = re.findall(r"pip install '(?:\.|konvoai)\[([^]]*)\]'", "".join(PAGES.values()))
    assert set(extras) == {extra for names in named for extra in names.split(",")}
    # Only `make test-spark` installs Spark: 650 MB that no command needs.
    for line in (line for extra, lines in extras.items() if extra != "spark" for line in lines):
        requirement = Requirement(line)
        assert requirement.specifier.contains(distribution(requirement.name).version), line


def test_an_extra_installs_without_an_index_for_konvoai(wheel: Path, tmp_path: Path) -> None:
    """What the messages and pages say works for a konvoai that came from a clone or a wheel."""
    run(sys.executable, "-m", "venv", "--system-site-packages", tmp_path / "own", cwd=tmp_path)
    pip = (tmp_path / "own" / "bin" / "python", "-m", "pip", "--isolated", "--disable-pip-version-check")
    command = shlex.split(INSTALL_EXTRA.format("cli"))[1:]
    run(*pip, "install", "--no-index", "--no-deps", "--ignore-installed", wheel, cwd=tmp_path)
    installed = run(*pip, *command, "--no-index", "--no-deps", cwd=tmp_path)
    assert installed.startswith("Requirement already satisfied: konvoai[cli]"), installed


def test_messages_take_the_install_line_from_one_constant() -> None:
    spelled = [path.name for path in ROOT.glob("wrapper/**/*.py") if "install 'konvoai[" in path.read_text("utf-8")]
    assert ["_version.py"] == spelled


def test_the_version_is_the_same_everywhere(wheel: Path) -> None:
    version = PROJECT["project"]["version"]
    assert (version, version) == (konvoai.__version__, distribution("konvoai").version)
    assert f"konvoai-{version}-py3-none-any.whl" == wheel.name
    assert f"\n## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_lock_satisfies_the_project() -> None:
    """It fails if pyproject.toml changed without `make lock`."""
    locked = dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", LOCK, flags=re.MULTILINE))
    for line in [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), line


def addresses(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (str(value[key]) for key in ("resolved", "url", "tarball") if key in value)
        yield from (address for key, part in value.items() if key != "funding" for address in addresses(part))


def test_the_lock_files_have_no_addresses() -> None:
    assert "://" not in LOCK
    assert [] == list(addresses(json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))))
