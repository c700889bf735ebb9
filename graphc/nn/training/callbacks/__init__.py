"""Callbacks: what happens between epochs and batches; one file a purpose."""

from graphc.nn.training.callbacks.callback import Callback, CallbackList
from graphc.nn.training.callbacks.checkpoints import BackupAndRestore, ModelCheckpoint
from graphc.nn.training.callbacks.early_stopping import EarlyStopping
from graphc.nn.training.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from graphc.nn.training.callbacks.logging import CSVLogger, TensorBoard
from graphc.nn.training.callbacks.simple import LambdaCallback, TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
]
