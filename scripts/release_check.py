"""Check that the tree can be released: version, changelog, tag, links of the README, contents of the built files."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WHEEL_FILES = ("konvoai/py.typed", "konvo_api_client/py.typed", "konvoai/openapi.yaml", "konvoai/_version.py")
SDIST_FILES = ("README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", "openapi.yaml")


def main() -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog, readme = ((ROOT / name).read_text(encoding="utf-8") for name in ("CHANGELOG.md", "README.md"))
    problems = [*changelog_problems(changelog, project["version"]), *page_problems(readme, project)]
    problems += [*tag_problems(f"v{project['version']}"), *build_problems()]
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"{project['name']} {project['version']} can be released")
    return 1 if problems else 0


def changelog_problems(changelog: str, version: str) -> Iterator[str]:
    if not re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE):
        yield f"CHANGELOG.md has no heading of {version} with a date: write `## [{version}] - YYYY-MM-DD`"


def page_problems(readme: str, project: dict[str, Any]) -> Iterator[str]:
    """An index shows the README alone, so that its relative links lead nowhere there."""
    if not project.get("urls"):
        yield "pyproject.toml has no [project.urls]: add the address of the repository and of the documentation"
    if relative := [link for link in re.findall(r"\]\(([^)]+)\)", readme) if "://" not in link]:
        yield f"README.md has {len(relative)} relative links, such as {relative[0]}: make them absolute"


def tag_problems(tag: str) -> Iterator[str]:
    if git("status", "--porcelain"):
        yield "the tree has changes that are not committed: commit them"
    tagged = git("rev-list", "-n", "1", tag)
    if not tagged:
        yield f"there is no tag {tag}: run `git tag {tag}`"
    elif tagged != git("rev-parse", "HEAD"):
        yield f"the tag {tag} is on another commit: raise the version"


def git(*arguments: str) -> str:
    """Return what git prints, or nothing where it fails."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()  # noqa: S607


def build_problems() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        steps = (["build", "--no-isolation", "--outdir", folder, "."], ["twine", "check", "--strict"])
        for step in steps:
            files = sorted(map(str, Path(folder).iterdir()))
            command = [sys.executable, "-m", *step, *(files if step[0] == "twine" else ())]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if done.returncode:
                yield f"`{' '.join(step[:1])}` fails: {(done.stdout + done.stderr).strip().splitlines()[-1]}"
                return
        (sdist,), (wheel,) = Path(folder).glob("*.tar.gz"), Path(folder).glob("*.whl")
        with tarfile.open(sdist) as archive:
            names = [name.partition("/")[2] for name in archive.getnames()]
        yield from (f"the sdist lacks {name}" for name in SDIST_FILES if name not in names)
        with zipfile.ZipFile(wheel) as zipped:
            names = zipped.namelist()
        yield from (f"the wheel lacks {name}" for name in WHEEL_FILES if name not in names)
        yield from (
            f"the wheel has {name}"
            for name in names
            if not re.match(r"konvoai[/-]|konvo_api_client/|pyspark_konvo/", name)
        )


if __name__ == "__main__":
    sys.exit(main())
