"""What the tests of the package share: small models and data that anything can learn."""

import numpy as np
import pytest

@pytest.fixture
def blobs():
    """Images of 8x8 bytes in three classes that differ in where they are bright; labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 256).astype(np.int32)
    images = rng.integers(0, 60, (256, 8, 8)).astype(np.uint8)
    for image, label in zip(images, labels):
        image[2 * label:2 * label + 3] += 150
    return images, labels


@pytest.fixture
def mlp():
    """Makes a new small model."""
    import aic
    return lambda **keywords: aic.Sequential(aic.Flatten(), aic.Linear(16), aic.ReLU(), aic.Linear(3), **keywords)
