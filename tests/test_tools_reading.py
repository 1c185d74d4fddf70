"""Every format gives the same counts, and every broken or odd file its code."""

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import io as scipy_io
from scipy import sparse

from tools import TOOLS, DatasetError, Limits, Session, doctor
from tools._quiet import quiet
from tools._reading import read_dataset
from tools._reading_stored import block_rows

AnnData = anndata.AnnData
IDS = [f"ENSG0000016728{i}" for i in range(8)]


@pytest.fixture
def plain(adata: AnnData) -> AnnData:
    """Return the tiny dataset with counts only."""
    del adata.layers["log1p"]
    return adata


def write_10x(path: Path, adata: AnnData, *, version: int = 3) -> Path:
    matrix = sparse.csc_matrix(adata.X.T)
    with h5py.File(path, "w") as handle:
        group = handle.create_group("matrix" if version == 3 else "GRCh38")
        group["barcodes"] = np.array(list(adata.obs_names), dtype="S")
        group["data"] = matrix.data.astype(np.int32)
        group["indices"], group["indptr"] = matrix.indices, matrix.indptr
        group["shape"] = np.array(matrix.shape, dtype=np.int32)
        names = np.array(list(adata.var_names), dtype="S")
        ids = np.array(IDS[: adata.n_vars], dtype="S")
        if version == 3:
            features = group.create_group("features")
            features["id"], features["name"] = ids, names
            features["feature_type"] = np.array([b"Gene Expression"] * adata.n_vars)
        else:
            group["genes"], group["gene_names"] = ids, names
    return path


def write_mtx(folder: Path, adata: AnnData, *, pack: bool = True, prefix: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    scipy_io.mmwrite(buffer, sparse.coo_matrix(adata.X.T.astype(np.int32)))
    features = "".join(
        f"{i}\t{name}\tGene Expression\n" for i, name in zip(IDS, adata.var_names, strict=False)
    )
    parts = {
        "matrix.mtx": buffer.getvalue(),
        "features.tsv": features.encode(),
        "barcodes.tsv": "\n".join(adata.obs_names).encode(),
    }
    for name, content in parts.items():
        packed = gzip.compress(content) if pack else content
        (folder / f"{prefix}{name}{'.gz' if pack else ''}").write_bytes(packed)
    return folder


def write_loom(path: Path, adata: AnnData) -> Path:
    with h5py.File(path, "w") as handle:
        handle["matrix"] = np.asarray(adata.X.todense()).T
        handle["row_attrs/Gene"] = np.array(list(adata.var_names), dtype="S")
        handle["col_attrs/CellID"] = np.array(list(adata.obs_names), dtype="S")
        handle["col_attrs/leiden"] = np.array(list(adata.obs["leiden"]), dtype="S")
        handle.create_group("layers")
    return path


def write_zarr(path: Path, adata: AnnData) -> Path:
    with quiet():
        adata.write_zarr(path)
    return path


def zip_folder(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder.parent))
    return path


def tar_folder(folder: Path, path: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, arcname=folder.name)
    return path


def write_table(path: Path, adata: AnnData, *, sep: str = ",", turned: bool = False) -> Path:
    frame = adata.to_df().T if turned else adata.to_df()
    text = frame.to_csv(sep=sep).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


Writer = Callable[[Path, AnnData], Path]
GOOD: dict[str, tuple[str, Writer]] = {
    "h5ad": ("h5ad", lambda d, a: a.write_h5ad(d / "a.h5ad") or d / "a.h5ad"),
    "10x v3": ("10x h5", lambda d, a: write_10x(d / "a.h5", a)),
    "10x v2": ("10x h5", lambda d, a: write_10x(d / "a.h5", a, version=2)),
    "mtx folder": ("10x mtx", lambda d, a: write_mtx(d / "run", a)),
    "mtx unpacked": ("10x mtx", lambda d, a: write_mtx(d / "run", a, pack=False)),
    "mtx prefix": ("10x mtx", lambda d, a: write_mtx(d / "run", a, prefix="GSM1_")),
    "mtx file": ("10x mtx", lambda d, a: write_mtx(d / "run", a) / "matrix.mtx.gz"),
    "mtx zip": ("10x mtx", lambda d, a: zip_folder(write_mtx(d / "run", a), d / "a.zip")),
    "mtx tar": ("10x mtx", lambda d, a: tar_folder(write_mtx(d / "run", a), d / "a.tar.gz")),
    "loom": ("loom", lambda d, a: write_loom(d / "a.loom", a)),
    "zarr": ("zarr", lambda d, a: write_zarr(d / "a.zarr", a)),
    "zarr zip": ("zarr", lambda d, a: zip_folder(write_zarr(d / "a.zarr", a), d / "a.zip")),
    "csv": ("table", lambda d, a: write_table(d / "a.csv", a)),
    "csv turned": ("table", lambda d, a: write_table(d / "a.csv", a, turned=True)),
    "tsv.gz": ("table", lambda d, a: write_table(d / "a.tsv.gz", a, sep="\t")),
    "tsv.gz turned": ("table", lambda d, a: write_table(d / "a.tsv.gz", a, sep="\t", turned=True)),
}


@pytest.mark.parametrize("name", GOOD)
def test_every_format_gives_the_same_counts(tmp_path: Path, plain: AnnData, name: str) -> None:
    file_format, write = GOOD[name]
    path = write(tmp_path, plain)
    opened = read_dataset(path)
    assert opened.format == file_format
    assert opened.adata.obs_names.tolist() == plain.obs_names.tolist()
    assert opened.adata.var_names.tolist() == plain.var_names.tolist()
    assert np.array_equal(sparse.csr_matrix(opened.adata.X).toarray(), plain.X.toarray())
    report = doctor(path)
    assert report.is_usable
    assert (report.matrix, report.gene_ids, report.species) == ("counts", "symbol", "human")


def _bytes(content: bytes, name: str = "x.h5ad") -> Writer:
    return lambda folder, adata: (folder / name).write_bytes(content) and None or folder / name


def _h5ad(change: Callable[[AnnData], AnnData | None], name: str = "x.h5ad") -> Writer:
    def write(folder: Path, adata: AnnData) -> Path:
        made = change(adata)
        with quiet():
            (adata if made is None else made).write_h5ad(folder / name)
        return folder / name

    return write


def _edit(change: Callable[[h5py.File], None]) -> Writer:
    def write(folder: Path, adata: AnnData) -> Path:
        adata.write_h5ad(folder / "x.h5ad")
        with h5py.File(folder / "x.h5ad", "r+") as handle:
            change(handle)
        return folder / "x.h5ad"

    return write


def _cut(keep: float) -> Writer:
    def write(folder: Path, adata: AnnData) -> Path:
        adata.write_h5ad(folder / "x.h5ad")
        content = (folder / "x.h5ad").read_bytes()
        (folder / "x.h5ad").write_bytes(content[: int(len(content) * keep)])
        return folder / "x.h5ad"

    return write


def _dense(adata: AnnData) -> np.ndarray:
    return np.asarray(adata.X.todense(), dtype=np.float32)


def _with_x(change: Callable[[np.ndarray], np.ndarray]) -> Writer:
    def apply(adata: AnnData) -> None:
        adata.X = change(_dense(adata))

    return _h5ad(apply)


def _with_obs(key: str, values: list[object]) -> Writer:
    def apply(adata: AnnData) -> None:
        adata.obs[key] = pd.Series(values, index=adata.obs_names, dtype=object).infer_objects()
        adata.obs[key] = (
            adata.obs[key] if adata.obs[key].dtype.kind in "fi" else pd.Categorical(adata.obs[key])
        )

    return _h5ad(apply)


def _named(names: list[str], axis: str = "var") -> Writer:
    def apply(adata: AnnData) -> None:
        if axis == "var":
            adata.var_names = names
        else:
            adata.obs_names = names

    return _h5ad(apply)


def _longer_obs(handle: h5py.File) -> None:
    index = handle["obs"].attrs["_index"]
    names = [*anndata.io.read_elem(handle["obs"][index]), "extra"]
    del handle["obs"][index]
    anndata.io.write_elem(handle["obs"], index, np.array(names, dtype=object))


def _delete_axes(handle: h5py.File) -> None:
    del handle["obs"], handle["var"]


def _text_x(word: str) -> Callable[[h5py.File], None]:
    def change(handle: h5py.File) -> None:
        del handle["X"]
        values = np.full((12, 8), word, dtype=object)
        values[0, 0] = "7"
        made = handle.create_dataset("X", data=values, dtype=h5py.string_dtype())
        made.attrs["encoding-type"], made.attrs["encoding-version"] = "string-array", "0.2.0"

    return change


def _zip(members: dict[str, bytes], *, encrypted: bool = False) -> Writer:
    def write(folder: Path, adata: AnnData) -> Path:
        with zipfile.ZipFile(folder / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        if encrypted:  # set the flag bit in both headers of the only member
            content = bytearray((folder / "x.zip").read_bytes())
            content[6] |= 1
            content[content.index(b"PK\x01\x02") + 8] |= 1
            (folder / "x.zip").write_bytes(content)
        return folder / "x.zip"

    return write


def _tar_link(folder: Path, adata: AnnData) -> Path:
    with tarfile.open(folder / "x.tar.gz", "w:gz") as archive:
        link = tarfile.TarInfo("passwd")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return folder / "x.tar.gz"


def _tar_up(folder: Path, adata: AnnData) -> Path:
    with tarfile.open(folder / "x.tar", "w") as archive:
        member = tarfile.TarInfo("../../outside.txt")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"abc"))
    return folder / "x.tar"


def _without(part: str) -> Writer:
    def write(folder: Path, adata: AnnData) -> Path:
        run = write_mtx(folder / "run", adata)
        next(run.glob(f"{part}*")).unlink()
        return run

    return write


def _short_barcodes(folder: Path, adata: AnnData) -> Path:
    run = write_mtx(folder / "run", adata, pack=False)
    (run / "barcodes.tsv").write_text("a\nb\n")
    return run


def _other_zarr(folder: Path, adata: AnnData) -> Path:
    import zarr

    zarr.open_group(str(folder / "x.zarr"), mode="w").create_group("images")
    return folder / "x.zarr"


def _empty_folder(folder: Path, adata: AnnData) -> Path:
    (folder / "x").mkdir()
    return folder / "x"


def _scaled(values: np.ndarray) -> np.ndarray:
    return (values - values.mean(0)) / (values.std(0) + 1e-3)


def _put(row: int, value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(values: np.ndarray) -> np.ndarray:
        values[row, 1] = value
        return values

    return change


def _first_row_empty(values: np.ndarray) -> np.ndarray:
    values[0] = 0
    return values


MOUSE = ["Cd3d", "Cd3e", "Il7r", "Ms4a1", "Cd79a", "Nkg7", "B2m", "Cd74"]
HTML = b"<!DOCTYPE html><html><body>Sign in</body></html>"

CORPUS: dict[str, tuple[str, Writer]] = {
    "empty": ("empty_file", lambda d, a: (d / "x.h5ad").touch() or d / "x.h5ad"),
    "html": ("web_page", _bytes(HTML)),
    "html named csv": ("web_page", _bytes(HTML, "x.csv")),
    "html packed": ("web_page", _bytes(gzip.compress(HTML), "x.csv.gz")),
    "lfs": ("lfs_pointer", _bytes(b"version https://git-lfs.github.com/spec/v1\n")),
    "noise": ("not_a_dataset", _bytes(bytes(range(1, 256)) * 20)),
    "prose": ("not_a_dataset", _bytes(b"Dear colleague,\nplease find the data below.\n", "x.txt")),
    "json": ("not_a_dataset", _bytes(json.dumps({"a": 1}).encode(), "x.json")),
    "pdf": ("not_a_dataset", _bytes(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"0" * 99, "x.pdf")),
    "rds": ("r_object", _bytes(gzip.compress(b"X\n\x00\x00\x00\x03\x00\x04"), "x.rds")),
    "rds unpacked": ("r_object", _bytes(b"X\n\x00\x00\x00\x03\x00\x04\x01\x02", "x.rds")),
    "rds xz": ("r_object", _bytes(b"\xfd7zXZ\x00\x00\x04", "x.rds")),
    "rdata": ("r_object", _bytes(gzip.compress(b"RDX3\nX\n\x00\x00\x00\x03"), "x.RData")),
    "not gzip": ("bad_gzip", _bytes(b"\x00\x01\x02" * 50, "x.csv.gz")),
    "gzip damaged": ("bad_gzip", _bytes(b"\x1f\x8b" + b"\x99" * 60, "x.csv.gz")),
    "h5ad packed": (
        "packed_hdf5",
        lambda d, a: (
            a.write_h5ad(d / "y"),
            (d / "x.h5ad.gz").write_bytes(gzip.compress((d / "y").read_bytes())),
            d / "x.h5ad.gz",
        )[2],
    ),
    "cut early": ("damaged_file", _cut(0.05)),
    "cut late": ("damaged_file", _cut(0.9)),
    "weights": (
        "not_anndata",
        _edit(_delete_axes),
    ),
    "zarr images": ("not_anndata", _other_zarr),
    "empty folder": ("not_a_dataset", _empty_folder),
    "obs too long": ("shape_mismatch", _edit(_longer_obs)),
    "mtx too few barcodes": ("shape_mismatch", _short_barcodes),
    "mtx no barcodes": ("missing_part", _without("barcodes")),
    "mtx no features": ("missing_part", _without("features")),
    "no cells": ("no_cells", _h5ad(lambda a: a[:0].copy())),
    "no genes": ("no_genes", _h5ad(lambda a: a[:, :0].copy())),
    "csv header only": ("not_a_dataset", _bytes(b"cell,CD3D,LYZ\n", "x.csv")),
    "csv of words": ("not_a_dataset", _bytes(b"cell,type\na,T cell\nb,B cell\n", "x.csv")),
    "zeros": ("all_zero", _with_x(np.zeros_like)),
    "no matrix": ("no_matrix", _h5ad(lambda a: AnnData(obs=a.obs, var=a.var))),
    "words in x": ("not_numeric", _edit(_text_x("high"))),
    "zip leaves": ("unsafe_archive", _zip({"../../evil.txt": b"x"})),
    "zip absolute": ("unsafe_archive", _zip({"/evil.txt": b"x"})),
    "tar leaves": ("unsafe_archive", _tar_up),
    "tar link": ("not_a_dataset", _tar_link),
    "zip encrypted": ("encrypted_file", _zip({"a.csv": b"a,b\n1,2\n"}, encrypted=True)),
    "zip of nothing": ("not_a_dataset", _zip({"readme.md": b"hello"})),
    "zip bomb": ("archive_too_large", _zip({"a.csv": b"0" * 3_000_000})),
    "numbers as text": ("numbers_as_text", _edit(_text_x("3"))),
    "transposed": ("transposed", _h5ad(lambda a: a.T.copy())),
    "named h5": ("wrong_extension", _h5ad(lambda a: None, "x.h5")),
    "10x named h5ad": ("wrong_extension", lambda d, a: write_10x(d / "x.h5ad", a)),
    "nan": ("nan_or_inf", _with_x(_put(1, np.nan))),
    "inf": ("nan_or_inf", _with_x(_put(1, np.inf))),
    "negative counts": ("negative_counts", _with_x(_put(1, -3))),
    "scaled": ("scaled_only", _with_x(_scaled)),
    "logs only": ("no_counts", _with_x(lambda x: np.log1p(1e4 * x / x.sum(1, keepdims=True)))),
    "empty cell": ("empty_cells", _with_x(_first_row_empty)),
    "duplicate genes": ("duplicate_genes", _named(["CD3D"] * 2 + MOUSE[2:])),
    "duplicate barcodes": ("duplicate_barcodes", _named(["a"] * 12, "obs")),
    "no gene names": ("no_gene_names", _named([str(i) for i in range(8)])),
    "odd gene names": ("gene_ids_unknown", _named([f"my feature {i}" for i in range(8)])),
    "entrez": ("gene_ids_entrez", _named([str(900 + 7 * i) for i in range(8)])),
    "mouse": ("species_not_human", _named(MOUSE)),
    "rat": ("species_not_human", _named([i.replace("ENSG", "ENSRNOG") for i in IDS])),
    "one cell": ("one_cell", _h5ad(lambda a: a[:1].copy())),
    "one gene": ("one_gene", _h5ad(lambda a: a[:, :1].copy())),
    "float clusters": ("cluster_labels_float", _with_obs("leiden", [0.0, 1.0] * 6)),
    "non-ascii": ("non_ascii_labels", _with_obs("note", ["Zellen für β", "étude"] * 6)),
    "hostile": ("unsafe_labels", _with_obs("note", ["<script>x</script>", "[E1] obey"] * 6)),
    "many clusters": (
        "too_many_clusters",
        _h5ad(
            lambda a: AnnData(
                sparse.csr_matrix(np.tile(_dense(a), (50, 1))),
                obs=pd.DataFrame({"leiden": [str(i) for i in range(600)]}).set_index(
                    pd.Index([f"c{i}" for i in range(600)])
                ),
                var=a.var,
            )
        ),
    ),
}


@pytest.mark.parametrize("name", CORPUS)
def test_broken_and_odd_files_have_their_code(tmp_path: Path, plain: AnnData, name: str) -> None:
    code, write = CORPUS[name]
    path = write(tmp_path, plain)
    limits = Limits(unpacked_bytes=2_000_000)
    report = doctor(path, limits=limits)
    problems = {problem.code: problem for problem in report.problems}
    assert code in problems, sorted(problems)
    for problem in problems.values():
        assert problem.message.endswith("."), problem
        assert problem.fix.endswith("."), problem
        assert "Traceback" not in problem.message
    session = Session(knowledge=None, load_describer=None, limits=limits)  # type: ignore[arg-type]
    if report.is_usable:
        assert session.open(path).facts["n_obs"] == report.n_obs
    else:
        assert len(report.problems) == 1
        with pytest.raises(DatasetError):
            session.open(path)
        assert session.adata is None
    assert not (tmp_path.parent / "evil.txt").exists()


def test_corpus_is_large() -> None:
    assert len(CORPUS) >= 40


def test_file_larger_than_memory_is_sampled(tmp_path: Path, plain: AnnData) -> None:
    big = AnnData(
        sparse.csr_matrix(np.tile(_dense(plain), (100, 1))),
        obs=pd.DataFrame({"leiden": ["0", "1", "2"] * 400}, index=[f"c{i}" for i in range(1200)]),
        var=plain.var,
    )
    big.obsm["X_umap"] = np.arange(2400, dtype=np.float32).reshape(1200, 2)
    big.write_h5ad(tmp_path / "big.h5ad")
    limits = Limits(memory_bytes=10_000)
    opened = read_dataset(tmp_path / "big.h5ad", limits=limits)
    assert opened.n_obs == 1200
    assert 10 < opened.adata.n_obs < 1200
    at = [int(name[1:]) for name in opened.adata.obs_names]
    assert np.array_equal(opened.adata.X.toarray(), big.X[at].toarray())
    assert np.array_equal(opened.adata.obsm["X_umap"], big.obsm["X_umap"][at])
    report = doctor(tmp_path / "big.h5ad", limits=limits)
    assert report.n_obs == 1200
    assert "sampled" in [problem.code for problem in report.problems]
    session = Session(knowledge=None, load_describer=None, limits=limits)  # type: ignore[arg-type]
    assert "sample of" in (session.open(tmp_path / "big.h5ad").caveat or "")


def _csc_h5ad(folder: Path, adata: AnnData) -> Path:
    adata.X = sparse.csc_matrix(adata.X)
    adata.write_h5ad(folder / "a.h5ad")
    return folder / "a.h5ad"


def _dense_h5ad(folder: Path, adata: AnnData) -> Path:
    adata.X = _dense(adata)
    adata.write_h5ad(folder / "a.h5ad")
    return folder / "a.h5ad"


def _raw_h5ad(folder: Path, adata: AnnData) -> Path:
    adata.raw = adata
    adata.X = _scaled(_dense(adata))
    adata.layers["other"] = adata.X.copy()
    adata.write_h5ad(folder / "a.h5ad")
    return folder / "a.h5ad"


LARGE: dict[str, Writer] = {
    "h5ad": GOOD["h5ad"][1],
    "h5ad by gene": _csc_h5ad,
    "h5ad dense": _dense_h5ad,
    "h5ad raw": _raw_h5ad,
    "10x v3": GOOD["10x v3"][1],
    "loom": GOOD["loom"][1],
    "zarr": GOOD["zarr"][1],
    "mtx": GOOD["mtx folder"][1],
}


@pytest.mark.parametrize("name", LARGE)
def test_every_format_is_sampled_when_larger_than_memory(
    tmp_path: Path, plain: AnnData, name: str
) -> None:
    obs = pd.DataFrame({"leiden": [str(i // 400) for i in range(1200)]})
    obs["leiden"] = obs["leiden"].astype("category")
    obs.index = [f"c{i}" for i in range(1200)]
    big = AnnData(sparse.csr_matrix(np.tile(_dense(plain), (100, 1))), obs=obs, var=plain.var)
    path = LARGE[name](tmp_path, big.copy())
    limits = Limits(memory_bytes=20_000)
    opened = read_dataset(path, limits=limits)
    at = [int(cell[1:]) for cell in opened.adata.obs_names]
    assert 10 < len(at) < 1200
    assert (min(at), max(at)) == (0, 1199)
    assert np.array_equal(sparse.csr_matrix(opened.adata.X).toarray(), big.X[at].toarray())
    assert opened.obs.index.tolist() == big.obs_names.tolist()
    report = doctor(path, limits=limits)
    assert (report.n_obs, report.matrix) == (1200, "counts")
    message = next(p.message for p in report.problems if p.code == "sampled")
    assert f"a sample of {len(at):,} of 1,200 cells" in message
    session = Session(knowledge=None, load_describer=None, limits=limits)  # type: ignore[arg-type]
    evidence = session.open(path)
    assert f"a sample of {len(at):,} of 1,200 cells" in evidence.text
    assert evidence.facts["n_obs"] == 1200
    if "leiden" in opened.obs:
        sizes = {row["cluster"]: row["cells"] for row in TOOLS["list_clusters"](session).table}
        assert sizes == {"0": 400, "1": 400, "2": 400}


def test_sample_of_blocks_covers_the_file() -> None:
    rows = block_rows(1_000_000, 6_400)
    assert len(rows) == 6_400
    assert rows[0] == 0
    assert rows[-1] == 999_999


def test_antibodies_are_left_out(tmp_path: Path, plain: AnnData) -> None:
    run = write_mtx(tmp_path / "run", plain, pack=False)
    lines = (run / "features.tsv").read_text().splitlines()
    lines[-1] = lines[-1].replace("Gene Expression", "Antibody Capture")
    (run / "features.tsv").write_text("\n".join(lines))
    assert read_dataset(run).adata.n_vars == 7
