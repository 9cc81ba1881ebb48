"""Check the locked packages for known vulnerabilities.

The Python packages of requirements.lock are looked up at OSV, those of package-lock.json with `npm audit`. A database
that cannot be reached is reported, and is not a failure.
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
TIMEOUT = 20.0
"""Seconds for one request."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osv", default=OSV, metavar="URL", help="database of Python packages (default: %(default)s)")
    options = parser.parse_args()
    found = python_vulnerabilities(options.osv) + node_vulnerabilities()
    print("\n".join(found) or "no known vulnerabilities in the packages that could be checked")
    return 1 if found else 0


def python_vulnerabilities(url: str) -> list[str]:
    """Return a line for each vulnerable package of requirements.lock."""
    pins = PINNED.findall((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    queries = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in pins]
    try:
        reply = httpx.post(url, json={"queries": queries}, timeout=TIMEOUT).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        return not_checked(f"{len(pins)} Python packages: {type(error).__name__} at {url}")
    results = zip(pins, reply["results"], strict=True)
    vulnerable = [(name, version, result["vulns"]) for (name, version), result in results if result.get("vulns")]
    return [f"{name} {version}: {', '.join(found['id'] for found in vulns)}" for name, version, vulns in vulnerable]


def node_vulnerabilities() -> list[str]:
    """Return a line for each vulnerable package of package-lock.json."""
    command = ["npm", "audit", "--json", "--package-lock-only"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=6 * TIMEOUT, check=False)
    report = json.loads(done.stdout or "{}")
    if "vulnerabilities" not in report:
        return not_checked("the Node packages: npm audit could not reach its database")
    return [f"{name}: {found['severity']}" for name, found in report["vulnerabilities"].items()]


def not_checked(what: str) -> list[str]:
    print("not checked:", what, file=sys.stderr)
    return []


if __name__ == "__main__":
    sys.exit(main())
