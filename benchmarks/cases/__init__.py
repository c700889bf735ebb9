"""The rows, one file a family; ROWS lists them in the order of the report."""

from benchmarks.cases import elementwise, gemm, logistic, rows, training

ROWS = (*elementwise.CASES, *rows.CASES, *gemm.CASES, *training.CASES, *logistic.CASES)
