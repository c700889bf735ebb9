"""Small data sets, real and generated, and what a training loop needs of them: split, scale, shuffle into batches.

It knows nothing of graphs: everything here is NumPy arrays, as a user's own data would be.
"""

from graphc.data.dataset import Dataset, Split, minibatches, standardize, train_validation_test_split
from graphc.data.generated import make_classification, make_regression
from graphc.data.sources import digits, iris, mnist

__all__ = [
    "Dataset",
    "Split",
    "digits",
    "iris",
    "make_classification",
    "make_regression",
    "minibatches",
    "mnist",
    "standardize",
    "train_validation_test_split",
]
