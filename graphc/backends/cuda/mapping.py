"""Who runs what on the device: the teams of a nest, what its blocks keep in shared memory, and the launch.

It stands apart from the renderer because a runtime that launches a kernel must know it too, and nothing of
syntax. `renderer.py` describes the mapping as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphc.backends.entry import declared, flatten, updated
from graphc.dims import Size, maximum
from graphc.kernel_ir.kernel import Accumulator, Kernel, Local, Loop, Nest, Statement
from graphc.kernel_ir.scratch import scratch_offsets

THREADS = 256  # of a block, unless a fold needs more
WARP = 32
SHARED_LIMIT = 32 * 1024  # bytes of local arrays in a block's 48 KiB of static shared memory; the rest is for folds


@dataclass(frozen=True)
class NestMapping:
    """How the blocks of one nest run it."""

    team: int  # threads that run one piece of work together: 1, a power of two up to 32, or the whole block
    teams: int  # in a block
    work: Size  # pieces: iterations, or units where the nest has accumulators
    locals_in_shared: bool
    local_bytes: Size  # of one team's local arrays
    region_bytes: int  # shared memory of a block for the lanes of accumulators that are folded together

    @property
    def shared_bytes(self) -> int:
        """The shared memory of a block: local arrays, then two regions of lanes, used in turn."""
        return self.fold_offset + 2 * self.region_bytes

    @property
    def fold_offset(self) -> int:
        """Where the lanes begin in the shared memory of a block."""
        assert isinstance(self.local_bytes, int) or not self.locals_in_shared
        return self.teams * int(self.local_bytes) if self.locals_in_shared else 0

    @property
    def scratch_bytes(self) -> Size:
        """Global memory of one block."""
        return 0 if self.locals_in_shared else self.teams * self.local_bytes


@dataclass(frozen=True)
class Launch:
    """What a runtime must know to launch `symbol`, and then `<symbol>_finish` if there is one.

    The arguments, in order: a pointer per buffer of the kernel, one per partial result, an int64 per named
    size of `Kernel.symbols`; `scratch`, of `scratch` bytes times the blocks of the grid, 64-byte aligned;
    `status`, an int32 that a failed check raises to its code; and the number of blocks of each nest but the
    last, a uint32 each. A nest gets from 1 to ceil(work / teams) blocks, and the grid is their sum: any number
    gives the same bits. The finish phase takes the same arguments up to `status` and is one block.
    """

    symbol: str
    threads: int  # of a block
    nests: tuple[tuple[Size, int], ...]  # pieces of work, teams in a block
    scratch: Size  # bytes for each block
    has_finish: bool


def map_kernel(kernel: Kernel) -> tuple[NestMapping, ...]:
    """The mapping of every nest; all share one size of block."""
    threads = threads_of(kernel)
    return tuple(_map_nest(nest, threads) for nest in kernel.nests)


def threads_of(kernel: Kernel) -> int:
    """The threads of a block."""
    return max(THREADS, *(lanes for nest in kernel.nests for lanes in _lanes(nest)), WARP)


def launch(kernel: Kernel) -> Launch:
    """How to launch `kernel`."""
    mappings = map_kernel(kernel)
    scratch: Size = 0
    for mapping in mappings:
        scratch = maximum(scratch, mapping.scratch_bytes)
    nests = tuple((m.work, m.teams) for m in mappings)
    return Launch(kernel.name, threads_of(kernel), nests, scratch, kernel.has_finish)


def shared_locals(locals_: tuple[Local, ...], teams: int) -> tuple[bool, Size]:
    """Whether the local arrays of a block fit in shared memory, and what one team's take."""
    if not locals_:
        return True, 0
    bytes_of_team = scratch_offsets(locals_)[1]
    fits = isinstance(bytes_of_team, int) and teams * bytes_of_team <= SHARED_LIMIT
    return fits, bytes_of_team


def _map_nest(nest: Nest, threads: int) -> NestMapping:
    widest = max(_lanes(nest), default=1)
    team = widest if widest <= WARP else threads
    teams = threads // team
    work = nest.units if nest.accumulators else nest.loop.extent
    lanes = fold_bytes((*nest.accumulators, nest.loop), threads) if team > WARP else 0
    in_shared, local_bytes = shared_locals(nest.locals, teams)
    return NestMapping(team, teams, work, in_shared, local_bytes, lanes)


def _lanes(nest: Nest) -> list[int]:
    """The lanes of the vector loops whose iterations a team shares: not of a parallel loop without totals."""
    loops = [s for s in flatten((nest.loop,)) if isinstance(s, Loop) and s.lanes]
    return [s.lanes for s in loops if s is not nest.loop or nest.accumulators]


def fold_bytes(body: Iterable[Statement], threads: int) -> int:
    """The most shared memory that one loop of `body` needs for the lanes that are folded after it."""
    flat = flatten(body)
    sizes = {a.name: a.dtype.itemsize for a in flat if isinstance(a, Accumulator)}
    most = 0
    for loop in flat:
        if isinstance(loop, Loop) and loop.lanes:
            most = max(most, sum(threads * sizes[name] for name in updated(loop.body) - declared(loop.body)))
    return most
