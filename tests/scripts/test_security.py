import re
import subprocess
import sys

from konvoai.testing._http_server import Reply, Request, serving
from tests.support import ROOT


def security(osv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.contract.security", "--osv", osv]
    return subprocess.run(command, capture_output=True, text=True, timeout=180)


def test_a_known_vulnerability_of_a_locked_package_fails() -> None:
    pins = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    results = [{"vulns": [{"id": "GHSA-1"}, {"id": "CVE-2"}]} if name == "httpx" else {} for name, _ in pins]

    def respond(request: Request) -> Reply:
        return Reply({"results": results})

    with serving(respond) as server:
        done = security(server.url)
    assert f"httpx {dict(pins)['httpx']}: GHSA-1, CVE-2" in done.stdout.splitlines()
    assert done.returncode == 1


def test_an_unreachable_database_is_reported() -> None:
    done = security("http://127.0.0.1:9/")
    assert re.search(r"not checked: \d+ Python packages: ConnectError", done.stderr)
