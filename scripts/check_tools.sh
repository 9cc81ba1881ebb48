#!/bin/sh
# Check the tools that `make setup` cannot install; stop at the first that is missing. PYTHON is the Python to use.
PYTHON=${PYTHON:-python3}

need() {
    echo "$1" >&2
    exit 1
}

command -v "$PYTHON" >/dev/null ||
    need "$PYTHON is missing: install Python 3.11 or later, or set its path: make PYTHON=/path/to/python."
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    need "$("$PYTHON" --version 2>&1) is too old: install Python 3.11 or later, or set its path: make PYTHON=/path/to/python."
"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
    need "The venv module of $PYTHON is missing: install it (Debian and Ubuntu: the package python3-venv)."
command -v node >/dev/null ||
    need "Node.js is missing: install Node.js 20 or later, with npm."
node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' ||
    need "Node.js $(node --version) is too old: install Node.js 20 or later, with npm."
command -v npm >/dev/null ||
    need "npm is missing: install npm (Debian and Ubuntu: the package npm; elsewhere it comes with Node.js)."
