"""Errors of the model room.

ModelError (RuntimeError)
├── CheckpointError     a checkpoint folder is missing, incomplete or of another version
├── DeviceError         the device that was named is not on this machine
├── GeneMatchError      too few genes of the input are known to the model
├── ConfigError         a training or model configuration is not usable
├── OutOfMemoryError    not even one cell fits into memory
└── DescribingCancelledError   whoever asked for descriptions wants no more
"""


class ModelError(RuntimeError):
    """Any failure the model room reports on purpose."""


class CheckpointError(ModelError):
    """A checkpoint folder is missing, incomplete or of another version."""


class DeviceError(ModelError):
    """The device that was named is not on this machine."""


class GeneMatchError(ModelError):
    """Too few genes of the input are known to the model."""


class ConfigError(ModelError):
    """A training or model configuration is not usable."""


class OutOfMemoryError(ModelError):
    """The memory does not hold the model together with one cell."""


class DescribingCancelledError(ModelError):
    """Whoever asked for descriptions wants no more of them."""
