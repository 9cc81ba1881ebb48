"""Configures Sphinx for `make docs`."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
from sphinx.application import Sphinx

import konvoai
from konvoai._cli.main import konvo

project = "konvoai"
author = "The konvoai authors"
project_copyright = author
version = release = konvoai.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_llms_txt"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
autodoc_inherit_docstrings = False
python_use_unqualified_type_names = True
add_module_names = False
default_role = "code"  # docstrings have names in single backticks
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"konvoai {release}"
html_copy_source = True
html_show_sphinx = False

llms_txt_summary = (
    "The Python client of the Konvo API: a shop's AI support sessions, typed, sync and async, and a command."
)


def setup(app: Sphinx) -> None:
    app.connect("source-read", add_command_help)
    app.connect("build-finished", add_command_help_to_source, priority=100)  # before llms-full.txt is made


def add_command_help(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replaces the line `<!-- commands -->` of a page by the `--help` of each command."""
    source[0] = source[0].replace("<!-- commands -->", "\n".join(command_help("konvo", konvo)))


def add_command_help_to_source(app: Sphinx, error: Exception | None) -> None:
    path = Path(app.outdir, "_sources", "reference", "command.md.txt")
    source = [path.read_text(encoding="utf-8")]
    add_command_help(app, "reference/command", source)
    path.write_text(source[0], encoding="utf-8")


def command_help(name: str, command: click.Command, parent: click.Context | None = None) -> Iterator[str]:
    with command.make_context(name, [], parent, resilient_parsing=True, terminal_width=100) as context:
        level = "###" if parent and parent.parent else "##"
        shown = re.sub(r" +$", "", command.get_help(context), flags=re.MULTILINE)
        yield f"{level} {context.command_path}\n\n```text\n{shown}\n```\n"
        if isinstance(command, click.Group):
            for child in command.list_commands(context):
                if found := command.get_command(context, child):
                    yield from command_help(child, found, context)
