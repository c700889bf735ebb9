"""Sphinx's settings for the site of `make docs`, and the directive that inserts what is read off the code.

It stands apart from `generated.py`, which makes those texts and knows no generator of sites.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import generated  # noqa: E402 - beside this file

import graphc  # noqa: E402 - of this source tree

project = "graphc"
author = "the authors of graphc"
copyright = "the authors of graphc, MIT license"
version = release = graphc.__version__
extensions = ["myst_parser"]
exclude_patterns = ["_*"]
html_theme = "furo"
html_title = f"graphc {release}"
html_static_path: list[str] = []
html_show_copyright = False
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
python_maximum_signature_line_length = 90
pygments_style = "friendly"
pygments_dark_style = "monokai"


class Generated(SphinxDirective):
    """`{generated} ops`: the text of that part, read as part of the page."""

    required_arguments = 1
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        text = generated.part(" ".join(self.arguments))
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def name_folders(app: Sphinx, page: str, content: list[str]) -> None:
    """Folders of the repository are links where the page is read there; a site has none, so here they are names."""

    def named(link: re.Match[str]) -> str:
        target = (HERE / page).parent / link[2]
        return f"`{target.resolve().relative_to(HERE.parent)}`" if target.is_dir() else link[0]

    content[0] = re.sub(r"\[([^\]]+)\]\((\.\.?/[^)#]+)\)", named, content[0])


def setup(app: Sphinx) -> None:
    app.add_directive("generated", Generated)
    app.connect("source-read", name_folders)
