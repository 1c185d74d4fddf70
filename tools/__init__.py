"""Facts about the open dataset: a `Session` holds it, a verb in `TOOLS` gives `Evidence`."""

from ._benchmark import benchmark
from ._describing import describe_file
from ._doctor import DoctorReport, doctor
from ._errors import (
    DatasetError,
    NoDatasetError,
    ToolError,
    UnknownGeneError,
    UnknownLabelError,
)
from ._evidence import Evidence
from ._limits import Limits
from ._registry import TOOLS
from ._session import Session

__all__ = [
    "TOOLS",
    "DatasetError",
    "DoctorReport",
    "Evidence",
    "Limits",
    "NoDatasetError",
    "Session",
    "ToolError",
    "UnknownGeneError",
    "UnknownLabelError",
    "benchmark",
    "describe_file",
    "doctor",
]
