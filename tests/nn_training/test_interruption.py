"""Ctrl-C: the step is finished, the history so far is there, and the model goes on."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from graphc import nn

X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")


def model():
    made = nn.Sequential([nn.Input((4,)), nn.Dense(4)])
    made.compile("adam", "mse")
    return made


def interrupt_at(epoch, batch=None):
    class Interrupt(nn.callbacks.Callback):
        def on_epoch_begin(self, number, logs=None):
            self.epoch = number
            if batch is None and number == epoch:
                os.kill(os.getpid(), signal.SIGINT)

        def on_train_batch_begin(self, number, logs=None):
            if (self.epoch, number) == (epoch, batch):
                os.kill(os.getpid(), signal.SIGINT)

    return Interrupt()


@pytest.mark.parametrize("batch", [None, 0, 2])
def test_ctrl_c_leaves_a_usable_model(batch):
    made = model()
    with pytest.raises(KeyboardInterrupt):
        made.fit(X, X, epochs=5, batch_size=16, verbose=0, callbacks=[interrupt_at(2, batch)])
    assert made.history.epoch == [0, 1] and len(made.history.history["loss"]) == 2
    assert int(made.optimizer.iterations.value) == 2 * 4 + (batch or 0) + 1  # the step under way was finished
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert len(made.fit(X, X, epochs=1, verbose=0).epoch) == 1


def test_ctrl_c_while_waiting_for_data():
    def slow():
        yield X, X
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(1.0)
        yield X, X

    with pytest.raises(KeyboardInterrupt):
        model().fit(slow(), verbose=0)


def test_a_handler_of_the_users_own_stays():
    seen = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        model().fit(X, X, epochs=1, verbose=0, callbacks=[interrupt_at(0)])
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [signal.SIGINT]


def test_training_in_a_thread():
    made, result = model(), []
    thread = threading.Thread(target=lambda: result.append(made.fit(X, X, epochs=2, verbose=0)))
    thread.start()
    thread.join()
    assert len(result[0].epoch) == 2
