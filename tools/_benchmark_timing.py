"""How things are measured: in pairs, and memory in a process of its own.

The load of a machine changes from one minute to the next, so a contestant is timed right before
or after its baseline, and what counts is the median of the ratios of such pairs.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Literal

from ._errors import ToolError

#: Lines of a failed process that are repeated in the message.
_LAST_LINES = 3


@dataclass(frozen=True)
class Measure:
    """One thing that was measured, beside its baseline.

    Parameters
    ----------
    name
        Benchmark and what of it, joined by a dot.
    ours, baseline
        What was measured, in words.
    values, baseline_values
        Raw figures in the order of measuring; pairs where both are of one length.
    unit
        Of both.
    ratio
        How many times better (`better` "higher": baseline seconds by ours), or how much of the
        baseline is used (`better` "lower").
    target
        What the ratio should reach; None where nothing was set.
    """

    name: str
    ours: str
    baseline: str
    values: list[float]
    baseline_values: list[float]
    unit: str
    ratio: float
    better: Literal["higher", "lower"]
    target: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_met(self) -> bool | None:
        """Whether the target is reached, or None without one."""
        if self.target is None:
            return None
        reached = self.ratio >= self.target if self.better == "higher" else None
        return self.ratio <= self.target if reached is None else reached

    def as_dict(self) -> dict[str, Any]:
        """Return what is printed as JSON; figures with four digits."""
        record = asdict(self) | {"met": self.is_met, "ratio": rounded(self.ratio)}
        for name in ("values", "baseline_values"):
            record[name] = [rounded(value) for value in record[name]]
        return record


def rounded(value: float) -> float:
    """Return a figure with four significant digits."""
    return float(f"{value:.4g}")


def in_pairs(
    ours: Callable[[int], Any], baseline: Callable[[int], Any], *, repeats: int
) -> tuple[list[float], list[float]]:
    """Time two contestants side by side, each first as often as the other.

    Parameters
    ----------
    ours, baseline
        Called with the number of the pair.

    Returns
    -------
    Seconds of ours and of the baseline, one for each pair.
    """
    seconds: tuple[list[float], list[float]] = ([], [])
    for pair in range(repeats):
        contestants = [(0, ours), (1, baseline)]
        for place, run in contestants if pair % 2 == 0 else reversed(contestants):
            seconds[place].append(timed(lambda run=run, pair=pair: run(pair)))
    return seconds


def timed(run: Callable[[], Any]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def faster(
    name: str,
    ours: str,
    baseline: str,
    *,
    seconds: tuple[list[float], list[float]],
    target: float | None = None,
    facts: dict[str, Any] | None = None,
) -> Measure:
    """Make a measure of seconds in pairs: how many times as fast as the baseline."""
    ratio = median(theirs / own for own, theirs in zip(*seconds, strict=True))
    return Measure(
        name, ours, baseline, *seconds, "s", ratio, "higher", target=target, facts=facts or {}
    )


def smaller(
    name: str,
    ours: str,
    baseline: str,
    *,
    megabytes: tuple[list[float], list[float]],
    target: float | None = None,
    facts: dict[str, Any] | None = None,
) -> Measure:
    """Make a measure of memory: how much of the baseline's is used."""
    ratio = median(megabytes[0]) / max(median(megabytes[1]), 0.1)
    return Measure(
        name, ours, baseline, *megabytes, "MB", ratio, "lower", target=target, facts=facts or {}
    )


@dataclass(frozen=True)
class Ran:
    """What one process took.

    Parameters
    ----------
    seconds
        Of the task itself, after loading and a first go at a tiny file.
    whole_seconds
        From the start of the process to its end.
    peak, idle_peak
        Most memory, in MB, of the process and of one that stopped before the task.
    """

    seconds: float
    whole_seconds: float
    peak: float
    idle_peak: float
    facts: dict[str, Any]

    @property
    def work_peak(self) -> float:
        """Memory that the task itself took at most, in MB."""
        return max(self.peak - self.idle_peak, 0.0)


class Processes:
    """Runs tasks of `tools.peak`, each in a process of its own.

    Only in a new process is the peak of memory that of one task.
    """

    def __init__(self) -> None:
        self._idle: dict[str, float] = {}

    def run(self, task: str, **job: Any) -> Ran:
        """Run a task and return what it took.

        Raises
        ------
        ToolError
            If the process fails; with its own message.
        """
        kind = json.dumps([task, {k: v for k, v in job.items() if k in {"tiny", "checkpoint"}}])
        if kind not in self._idle:
            self._idle[kind] = _start(task, job | {"idle": True})["peak"]
        start = time.perf_counter()
        told = _start(task, job)
        whole = time.perf_counter() - start
        return Ran(told["seconds"], whole, told["peak"], self._idle[kind], told["facts"])


def _start(task: str, job: dict[str, Any]) -> dict[str, Any]:
    """Run ``python -m tools.peak`` and return what it printed last."""
    command = [sys.executable, "-m", "tools.peak", task, json.dumps(job)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = ran.stdout.splitlines()
    told = json.loads(lines[-1]) if ran.returncode == 0 and lines else {}
    if "error" in told:
        raise ToolError(told["error"])
    if not told:
        last = " ".join(ran.stderr.splitlines()[-_LAST_LINES:])
        msg = (
            f"Measuring {task!r} in a process of its own ended with {ran.returncode}: {last} "
            "Leave it out with --only, or run with less data (--cells)."
        )
        raise ToolError(msg)
    return told
