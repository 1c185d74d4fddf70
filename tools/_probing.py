"""Trying a file on another process first, because the HDF5 library can crash on damaged bytes.

Run as a script, this file is the helper: it reads one path a line, walks the file in a
child of its own, and answers ``ok`` or ``crash``. Imported, it starts the helper when it
is first needed and keeps it, so that a file costs milliseconds. It covers all metadata,
all text and numbers up to a limit; larger arrays are not read twice.
"""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

_NUMBERS_UP_TO = 64 * 1024**2  # bytes of one array that are read
_TEXTS_UP_TO = 5_000_000  # entries of one column of text that are read
_LEAST_SECONDS = 30
_BYTES_PER_SECOND = 10_000_000


class Prober:
    """The helper process and the pipe to it; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def survives(self, path: Path) -> bool:
        """Whether walking the file at `path` ends without a crash and in time."""
        with self._lock:
            process = self._running()
            if process.stdin is None or process.stdout is None:
                return True
            try:
                process.stdin.write(json.dumps(str(path.resolve())) + "\n")
                process.stdin.flush()
                answer = process.stdout.readline().strip()
            except OSError:
                answer = ""
            if not answer:  # the helper itself died; the next file gets a new one
                self._stop()
            return answer == "ok"

    def close(self) -> None:
        """End the helper."""
        with self._lock:
            self._stop()

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None or self._process.poll() is not None:
            self._stop()
            self._process = subprocess.Popen(
                [sys.executable, "-I", __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        return self._process

    def _stop(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


_PROBER = Prober()  # holds no state of any user; the process starts with the first file
atexit.register(_PROBER.close)


def survives(path: Path) -> bool:
    """Whether the HDF5 file at `path` can be walked without a crash."""
    return _PROBER.survives(path)


def _walk(path: str) -> None:
    """Read all metadata, text and moderately large numbers of a file; errors do not matter."""
    import h5py

    def look(node: Any) -> None:
        for key in list(node.attrs):
            with contextlib.suppress(Exception):
                node.attrs[key]
        if not isinstance(node, h5py.Dataset):
            return
        is_text = node.dtype.kind == "O" or h5py.check_string_dtype(node.dtype) is not None
        fits = node.size <= _TEXTS_UP_TO if is_text else node.nbytes <= _NUMBERS_UP_TO
        if fits:
            node[()]

    def visit(_name: str, node: Any) -> None:
        with contextlib.suppress(Exception):
            look(node)

    with contextlib.suppress(Exception), h5py.File(path, "r") as handle:
        look(handle)
        handle.visititems(visit)


def _try(path: str) -> bool:
    """Walk a file in a child process where the system can fork, else here."""
    if not hasattr(os, "fork"):
        _walk(path)
        return True
    child = os.fork()
    if child == 0:
        seconds = _LEAST_SECONDS + os.path.getsize(path) // _BYTES_PER_SECOND  # noqa: PTH202
        signal.alarm(seconds)
        _walk(path)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return status == 0


def _serve() -> None:
    """Answer paths from standard input until it ends."""
    import h5py  # noqa: F401 - loaded once, before children are made

    for line in sys.stdin:
        try:
            answer = _try(json.loads(line))
        except (OSError, ValueError):
            answer = True  # the reader will say what is wrong
        sys.stdout.write("ok\n" if answer else "crash\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
