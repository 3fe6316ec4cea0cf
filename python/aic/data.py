"""Data sets in files; `fit` takes arrays, too."""

from ._aic import Dataset

__all__ = ["Dataset", "fashion_mnist", "idx"]


def fashion_mnist(pad: int = 0) -> tuple[Dataset, Dataset]:
    """The training and the test set of Fashion-MNIST, from Debian's package dataset-fashion-mnist.

    Images are 28x28 bytes; `pad` adds rows and columns of zeros on every side.
    """
    return Dataset.open(None, "train", pad), Dataset.open(None, "test", pad)


def idx(folder: str, pad: int = 0) -> tuple[Dataset, Dataset]:
    """The training and the test set in a folder of IDX files with MNIST's names, gzipped or not."""
    return Dataset.open(folder, "train", pad), Dataset.open(folder, "test", pad)
