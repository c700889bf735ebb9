"""STAGE graph → kernels and library steps: which values are stored, what fuses, in which loops, and where in memory."""
