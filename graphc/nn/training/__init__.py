"""Training: the loops around compiled programs, what they measure, and what it says about the model."""

from graphc.nn.training.diagnosis import Diagnosis
from graphc.nn.training.history import History

__all__ = ["Diagnosis", "History"]
