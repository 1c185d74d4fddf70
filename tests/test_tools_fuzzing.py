"""Readers meet damaged bytes and odd structures: a report each time, never a traceback."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import anndata
import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import io as scipy_io
from scipy import sparse

from tools import Limits, doctor
from tools._quiet import quiet

LIMITS = Limits(memory_bytes=50_000_000, unpacked_bytes=5_000_000)
GENES = ["CD3D", "CD3E", "MS4A1", "CD79A", "LYZ", "B2M"]


def _counts() -> sparse.csr_matrix:
    return sparse.csr_matrix(np.random.default_rng(0).poisson(1.0, (15, 6)).astype(np.float32))


def _h5ad(path: Path) -> None:
    adata = anndata.AnnData(_counts())
    adata.var_names = GENES
    adata.obs["leiden"] = ["0", "1", "2"] * 5
    with quiet():
        adata.write_h5ad(path, compression="gzip")


def _10x(path: Path) -> None:
    matrix = sparse.csc_matrix(_counts().T)
    with h5py.File(path, "w") as handle:
        group = handle.create_group("matrix")
        group["barcodes"] = np.array([f"c{i}" for i in range(15)], dtype="S")
        group["data"], group["indices"] = matrix.data.astype(np.int32), matrix.indices
        group["indptr"], group["shape"] = matrix.indptr, np.array(matrix.shape)
        group["features/id"] = group["features/name"] = np.array(GENES, dtype="S")


def _csv(path: Path) -> None:
    rows = [",".join(["", *GENES])]
    rows += [f"c{i}," + ",".join(map(str, row)) for i, row in enumerate(_counts().toarray())]
    path.write_text("\n".join(rows))


def _zip(path: Path) -> None:
    buffer = io.BytesIO()
    scipy_io.mmwrite(buffer, sparse.coo_matrix(_counts().T))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run/matrix.mtx", buffer.getvalue())
        archive.writestr("run/features.tsv", "\n".join(f"{g}\t{g}" for g in GENES))
        archive.writestr("run/barcodes.tsv", "\n".join(f"c{i}" for i in range(15)))


WRITERS: dict[str, Callable[[Path], None]] = {
    "x.h5ad": _h5ad,
    "x.h5": _10x,
    "x.csv": _csv,
    "x.zip": _zip,
}


def _damage(content: bytes, rng: np.random.Generator) -> bytes:
    made = bytearray(content)
    if rng.random() < 0.2:
        return bytes(made[: rng.integers(0, len(made))])
    for _ in range(int(rng.integers(1, 12))):
        made[int(rng.integers(0, len(made)))] ^= 1 << int(rng.integers(0, 8))
    return bytes(made)


def _run(folder: Path, n_cases: int) -> set[str]:
    codes: set[str] = set()
    rng = np.random.default_rng(7)
    for name, write in WRITERS.items():
        write(folder / name)
        whole = (folder / name).read_bytes()
        for _ in range(n_cases // len(WRITERS)):
            (folder / name).write_bytes(_damage(whole, rng))
            report = doctor(folder / name, limits=LIMITS)
            codes |= {problem.code for problem in report.problems}
            assert report.is_usable or len(report.problems) == 1
    return codes


def test_damaged_bytes_give_a_report(tmp_path: Path) -> None:
    assert {"damaged_file", "not_a_dataset"} <= _run(tmp_path, 200)


@pytest.mark.slow
def test_two_thousand_damaged_files_give_a_report(tmp_path: Path) -> None:
    assert "damaged_file" in _run(tmp_path, 2000)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(max_size=400), name=st.sampled_from(["x.csv", "x.tsv", "x.txt", "x.mtx"]))
def test_any_text_gives_a_report(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8", errors="replace")
    assert doctor(tmp_path / name, limits=LIMITS).problems


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    keys=st.dictionaries(
        st.sampled_from(["X", "obs", "var", "matrix", "row_attrs", "col_attrs", "raw", "layers"]),
        st.sampled_from(["group", "numbers", "text", "scalar"]),
        max_size=6,
    )
)
def test_any_hdf5_structure_gives_a_report(tmp_path: Path, keys: dict[str, str]) -> None:
    with h5py.File(tmp_path / "x.h5ad", "w") as handle:
        for key, kind in keys.items():
            if kind == "group":
                handle.create_group(key)
            else:
                handle[key] = {"numbers": np.ones((3, 2)), "text": "a", "scalar": 1}[kind]
    assert doctor(tmp_path / "x.h5ad", limits=LIMITS).problems
