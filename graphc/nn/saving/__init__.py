"""Saving: weights, whole models and checkpoints of a training, as JSON and safetensors; never pickle."""

from graphc.nn.saving.model_file import load_model

__all__ = ["load_model"]
