"""Makes the scripts of examples/ importable, as Python does for a script that stands beside them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
