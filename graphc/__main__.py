"""`python -m graphc inspect model.gcp`: what is in a package, without loading it.

It stands apart from the format's reader, which returns records and prints nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from graphc.dims import shape_text
from graphc.dtypes import as_dtype
from graphc.errors import CompileError
from graphc.program.package import KINDS, Package, unpack
from graphc.program.printer import format_program


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m graphc", description="Tools for graphc's package files.")
    commands = parser.add_subparsers(dest="command", required=True)
    inspect = commands.add_parser("inspect", help="check a package and print what is in it")
    inspect.add_argument("package", type=Path, help="a file that gc.export wrote")
    inspect.add_argument("--plans", action="store_true", help="print the steps of every program too")
    chosen = parser.parse_args(arguments)
    try:
        package = unpack(chosen.package.read_bytes())
    except (OSError, CompileError) as error:
        print(f"{chosen.package}: {error}", file=sys.stderr)
        return 1
    print(format_package(package, chosen.plans), end="")
    return 0


def format_package(package: Package, plans: bool = False) -> str:
    """The text of a package: signatures, variables, sections; with the programs' plans on request."""
    size = package.sections[-1].begin + package.sections[-1].length
    signed = "signed" if package.signature else "not signed"
    lines = [f"package of {package.producer}, {size} bytes, {signed}; every hash is right"]
    lines += [f"  {key}: {value}" for key, value in package.metadata.items()]
    for packaged in package.programs:
        program = packaged.program
        lines.append(f"program {packaged.name}({', '.join(program.symbols)})")
        lines += [f"  in  {p.name}: {p.dtype}{shape_text(p.shape)}" for p in program.inputs]
        for index, state in zip(packaged.variables, program.states, strict=True):
            lines.append(f"  {'set' if state.updated else 'var'} {package.variables[index][0]}")
        lines += [f"  out {p.name}: {p.dtype}{shape_text(p.shape)}" for p in program.outputs]
        lines.append(f"  {len(program.steps)} steps, {len(program.kernels)} kernels, arena {program.arena} bytes")
    lines.append(f"variables: {sum(array.nbytes for _, array in package.variables)} bytes")
    lines += [f"  {name}: {as_dtype(array.dtype)}{shape_text(array.shape)}" for name, array in package.variables]
    lines.append(f"code for {', '.join(package.code) or 'nothing: it is linked into the host'}")
    lines.append("sections:")
    lines += [f"  {KINDS[s.kind]:9} at {s.begin:>10}, {s.length:>10} bytes, sha256 {s.sha256.hex()[:16]}…"
              for s in package.sections]  # fmt: skip
    if plans:
        lines += [format_program(packaged.program).rstrip() for packaged in package.programs]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
