"""The pages of docs/: blocks print what stands there, C++ compiles, links lead somewhere, the navigation is whole."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import blocks
import pytest
import walkthrough

import graphc as gc

DOCS = blocks.DOCS
PAGES = sorted(DOCS.rglob("*.md"))
HOSTS = [page for page in PAGES if "int main(" in page.read_text()]


def named(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def headings(text: str) -> set[str]:
    """The anchors of a page, as GitHub and MyST spell them."""
    found = re.findall(r"^#{1,6} +(.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in found}


@pytest.mark.parametrize("page", blocks.pages(), ids=named)
def test_the_blocks_print_what_the_page_says(page):
    wrong = [blocks.difference(result) for result in blocks.run(page) if not result.right]
    assert not wrong, f"{named(page)}: run python docs/blocks.py --write {named(page)}\n" + "\n".join(wrong)


@pytest.mark.parametrize("page", HOSTS, ids=named)
def test_whole_cpp_programs_compile(page, tmp_path):
    for block in blocks.blocks_of(page.read_text()):
        if block.language == "cpp" and "int main(" in block.text:
            source = tmp_path / "host.cpp"
            source.write_text(block.text)
            command = ["g++", "-std=c++17", "-Wall", "-Werror", "-fsyntax-only", f"-I{gc.get_include()}", str(source)]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_to_files_and_headings(page):
    for link in re.findall(r"\]\(([^)]+)\)", prose(page.read_text())):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{named(page)}: no {link}"
        assert not anchor or anchor in headings(file.read_text()), f"{named(page)}: no heading {link}"


def test_every_page_is_in_the_navigation():
    trees = [block.text for block in blocks.blocks_of((DOCS / "index.md").read_text()) if "toctree" in block.language]
    listed = [line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")]
    assert sorted(listed) == sorted(named(page).removesuffix(".md") for page in PAGES if page.name != "index.md")


def test_the_walkthrough_is_what_its_script_prints():
    assert (DOCS / "walkthrough.md").read_text() == walkthrough.text(), (
        "python docs/walkthrough.py > docs/walkthrough.md"
    )


def test_a_block_that_prints_something_else_is_found(tmp_path):
    page = tmp_path / "wrong.md"
    page.write_text(
        "```python\nprint(1)\n```\n```text\n2\n```\n\n```python\nprint('any', 3)\n```\n```text\nany ...\n```\n"
    )
    first, second = blocks.run(page)
    assert not first.right and second.right
    assert "```text\n1\n```" in blocks.rewritten(page, [first, second])


def test_pages_run_in_folders_of_their_own(tmp_path):
    page = tmp_path / "files.md"
    page.write_text("```python\nopen('left', 'w').close()\n```\n")
    blocks.run(page)
    assert not Path("left").exists()
