"""Facts about the open dataset: a `Session` holds it, a verb in `TOOLS` gives `Evidence`."""

from . import cell_map, keeping, take_home, views
from ._annotate_markers import MarkerAnnotation, annotate_markers
from ._benchmark import benchmark
from ._describing import describe_file
from ._describing_ray import RayEngine
from ._doctor import DoctorReport, doctor
from ._errors import (
    DatasetError,
    NoDatasetError,
    OpeningCancelledError,
    ToolError,
    UnknownGeneError,
    UnknownLabelError,
)
from ._evaluating import EvaluationReport, EvaluationSettings, evaluate_file
from ._evidence import Evidence
from ._limits import Limits
from ._marker_files import annotate_marker_file
from ._name_files import resolve_name_file
from ._registry import TOOLS
from ._rooms import Rooms
from ._session import Session

__all__ = [
    "TOOLS",
    "DatasetError",
    "DoctorReport",
    "EvaluationReport",
    "EvaluationSettings",
    "Evidence",
    "Limits",
    "MarkerAnnotation",
    "NoDatasetError",
    "OpeningCancelledError",
    "RayEngine",
    "Rooms",
    "Session",
    "ToolError",
    "UnknownGeneError",
    "UnknownLabelError",
    "annotate_marker_file",
    "annotate_markers",
    "benchmark",
    "cell_map",
    "describe_file",
    "doctor",
    "evaluate_file",
    "keeping",
    "resolve_name_file",
    "take_home",
    "views",
]
