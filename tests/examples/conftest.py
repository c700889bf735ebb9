"""Makes the scripts of examples/ importable, as Python does for a script that stands beside them."""

import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path[:0] = [str(EXAMPLES), str(EXAMPLES / "notebooks")]
