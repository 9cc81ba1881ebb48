"""Asks public advisory databases for known weaknesses of everything that is locked.

The Python packages of requirements.lock are looked up at OSV, those of package-lock.json by `npm audit`. A database
that cannot be reached is said, and is no failure.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
OSV = "https://api.osv.dev/v1/querybatch"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
SECONDS = 20.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--osv", default=OSV, metavar="URL", help="where to ask for Python packages (default: %(default)s)"
    )
    options = parser.parse_args()
    weak = python_weaknesses(options.osv) + node_weaknesses()
    print("\n".join(weak) or "nothing known against what could be looked up")
    return 1 if weak else 0


def python_weaknesses(url: str) -> list[str]:
    pins = PINNED.findall((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    queries = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in pins]
    try:
        answer = httpx.post(url, json={"queries": queries}, timeout=SECONDS).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        return not_asked(f"about {len(pins)} Python packages: {type(error).__name__} at {url}")
    results = zip(pins, answer["results"], strict=True)
    weak = [(name, version, result["vulns"]) for (name, version), result in results if result.get("vulns")]
    return [f"{name} {version}: {', '.join(found['id'] for found in vulns)}" for name, version, vulns in weak]


def node_weaknesses() -> list[str]:
    command = ["npm", "audit", "--json", "--package-lock-only"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=6 * SECONDS, check=False)
    report = json.loads(done.stdout or "{}")
    if "vulnerabilities" not in report:
        return not_asked("about the Node packages: npm audit reached no database")
    return [f"{name}: {found['severity']}" for name, found in report["vulnerabilities"].items()]


def not_asked(why: str) -> list[str]:
    print("not asked", why, file=sys.stderr)
    return []


if __name__ == "__main__":
    sys.exit(main())
