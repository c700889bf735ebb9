"""The demo's networks against a plain NumPy loop: same start, same batches, same loss curve."""

from itertools import islice

import numpy as np
import pytest

import graphc as gc
from graphc import data

pytest.importorskip("sklearn")
pytest.importorskip("mlxtend")
pytest.importorskip("tqdm")
pytest.importorskip("matplotlib")

import demo
import networks
import numpy_reference
import optimizers

STEPS = 200
TOLERANCE = 1e-4  # relative; summing in another order moves these curves by 1e-5 at most

OPTIMIZERS = {
    "SGD": (
        lambda loss, parameters: optimizers.sgd_momentum(loss, parameters, learning_rate=0.05, momentum=0.9),
        lambda arrays: numpy_reference.SgdMomentum(arrays, learning_rate=0.05, momentum=0.9),
    ),
    "Adam": (
        lambda loss, parameters: optimizers.adam(loss, parameters, learning_rate=0.002),
        lambda arrays: numpy_reference.Adam(arrays, learning_rate=0.002),
    ),
}


@pytest.fixture(scope="module", params=["Iris", "MNIST"])
def task(request):
    return {"Iris": demo.iris_task, "MNIST": lambda: demo.mnist_task(None)}[request.param]()


def training_batches(task):
    """The first STEPS batches over as many epochs as they take; the last of an epoch is smaller."""
    generator = np.random.default_rng(1)

    def endless():
        while True:
            yield from data.minibatches(task.split.train, task.batch_size, generator)

    return list(islice(endless(), STEPS))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("architecture", ["one layer", "two hidden layers"])
def test_the_loss_curve_is_that_of_numpy(task, architecture, optimizer):
    declare_updates, reference_optimizer = OPTIMIZERS[optimizer]
    arrays = networks.initial_parameters(task.networks[architecture], seed=2)
    network = networks.declare_network(arrays)
    step = gc.compile([network.x, network.t], network.loss, updates=declare_updates(network.loss, network.parameters))
    reference = [array.copy() for array in arrays]
    reference_step = reference_optimizer(reference)

    curve, expected = [], []
    for batch in training_batches(task):
        curve.append(float(step(batch.x, batch.y)))
        loss, gradients = numpy_reference.loss_and_gradients(reference, batch.x, batch.y)
        reference_step.step(gradients)
        expected.append(loss)
    assert expected[-1] < expected[0]
    np.testing.assert_allclose(curve, expected, rtol=TOLERANCE)
    for parameter, array in zip(network.parameters, reference, strict=True):
        np.testing.assert_allclose(parameter.value, array, rtol=0, atol=1e-3)


@pytest.mark.parametrize("architecture", [[4, 3], [5, 7, 6, 3]])
def test_the_reference_gradients_are_those_of_finite_differences(architecture):
    generator = np.random.default_rng(3)
    arrays = [array.astype("float64") for array in networks.initial_parameters(architecture, seed=3)]
    x, t = generator.normal(size=(9, architecture[0])), generator.integers(0, architecture[-1], 9)
    _, gradients = numpy_reference.loss_and_gradients(arrays, x, t)
    for array, gradient in zip(arrays, gradients, strict=True):
        for index in np.ndindex(array.shape):
            losses = []
            for offset in (1e-5, -1e-5):
                array[index] += offset
                losses.append(numpy_reference.loss_and_gradients(arrays, x, t)[0])
                array[index] -= offset
            assert gradient[index] == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-5, abs=1e-9)
