"""Runs the code blocks of the pages: `python docs/blocks.py [--write] [page …]`.

It stands apart from the tests so that whoever writes a page has the command: `--write` puts what a page printed into
the page. All `python` blocks of a page are one program, called after the page (`threads.md` runs as `threads.py`, its
lines counted over its blocks). A `text` block that comes next is what the block before it prints; in it `...` stands
for anything, and `--write` leaves such a block alone.
"""

from __future__ import annotations

import argparse
import contextlib
import doctest
import io
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parent
_FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and where the text stands in the page."""

    language: str
    text: str
    begin: int
    end: int


@dataclass(frozen=True)
class Result:
    """What a block printed, beside the block of what it should have printed, if there is one."""

    line: int  # in the page
    printed: str
    expected: Block | None

    @property
    def right(self) -> bool:
        """Whether both agree."""
        wanted = self.expected.text if self.expected else ""
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE if "..." in wanted else 0
        return doctest.OutputChecker().check_output(wanted, tidy(self.printed), flags)


def pages() -> list[Path]:
    """The pages whose blocks are run: tutorials, how-to pages, and the two of the top folder that have some."""
    folders = [*(DOCS / "tutorials").glob("*.md"), *(DOCS / "how-to").glob("*.md")]
    return sorted([DOCS / "index.md", DOCS / "numerics.md", *folders])


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [Block(m[1].strip(), m[2], m.start(2), m.end(2)) for m in _FENCE.finditer(text)]


def run(page: Path) -> list[Result]:
    """Run a page in a folder of its own, from the state of a new process. Raises what the page raises."""
    text = page.read_text()
    blocks = blocks_of(text)
    os.environ.setdefault("MPLBACKEND", "Agg")  # pictures go to files
    names: dict[str, object] = {"__name__": "__main__"}
    results, line = [], 0
    with _fresh_folder():
        _fresh_state()
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            if block.language != "python":
                continue
            code = compile("\n" * line + block.text, f"{page.stem}.py", "exec")
            line += block.text.count("\n")
            with contextlib.redirect_stdout(io.StringIO()) as stdout:
                exec(code, names)
            expected = following if following is not None and following.language == "text" else None
            results.append(Result(text.count("\n", 0, block.begin), stdout.getvalue(), expected))
    return results


def rewritten(page: Path, results: list[Result]) -> str:
    """The page with what its blocks printed."""
    text = page.read_text()
    for result in reversed(results):
        expected = result.expected
        if expected is not None and "..." not in expected.text:
            text = text[: expected.begin] + tidy(result.printed) + text[expected.end :]
    return text


def difference(result: Result) -> str:
    """What a block should have printed, and what it did."""
    wanted = result.expected.text if result.expected else ""
    return f"line {result.line}: expected\n{wanted}\ngot\n{result.printed}"


def tidy(text: str) -> str:
    """`text` without spaces at the ends of lines and empty lines at its own."""
    lines = [line.rstrip() for line in text.strip("\n").splitlines()]
    return "".join(f"{line}\n" for line in lines)


@contextlib.contextmanager
def _fresh_folder() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def _fresh_state() -> None:
    import graphc as gc  # only now: the reference pages are made without it

    gc.nn.clear_session()
    gc.nn.set_seed(0)
    gc.random.default_generator.renumber()
    gc.random.seed(0)


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Run the code blocks of the documentation.")
    parser.add_argument("--write", action="store_true", help="put what the blocks print into the pages")
    parser.add_argument("pages", nargs="*", type=Path, help="default: all")
    chosen = parser.parse_args()
    failed = 0
    for page in [p.absolute() for p in chosen.pages] or pages():
        began = time.perf_counter()
        results = run(page)
        if chosen.write:
            page.write_text(rewritten(page, results))
            results = [r for r in results if r.expected is None or "..." in r.expected.text]
        wrong = [r for r in results if not r.right]
        print(f"{page.relative_to(DOCS)}: {len(wrong)} wrong, {time.perf_counter() - began:.1f} s", flush=True)
        for result in wrong:
            print(difference(result))
        failed += len(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
