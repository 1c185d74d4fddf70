"""Odd files that people have: each is read rightly, or refused with one code."""

import bz2
import gzip
import io
import lzma
import os
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

from tools import DatasetError, Limits, Session, doctor
from tools._quiet import quiet
from tools._reading import read_dataset

AnnData = anndata.AnnData
Writer = Callable[[Path, AnnData], Path]
IDS = [f"ENSG0000016728{i}" for i in range(8)]


@pytest.fixture
def plain(adata: AnnData) -> AnnData:
    """Return the tiny dataset with counts only."""
    del adata.layers["log1p"]
    return adata


def _dense(adata: AnnData) -> np.ndarray:
    return np.asarray(adata.X.todense(), dtype=np.float32)


def _edit(change: Callable[[h5py.File], None], *, dense: bool = False) -> Writer:
    def write(folder: Path, adata: AnnData) -> Path:
        made = adata.copy()
        made.X = _dense(adata) if dense else made.X
        made.raw = made
        made.layers["counts"] = made.X.copy()
        made.obsm["X_umap"] = np.arange(24.0).reshape(12, 2)
        made.write_h5ad(folder / "x.h5ad")
        with h5py.File(folder / "x.h5ad", "r+") as handle:
            change(handle)
        return folder / "x.h5ad"

    return write


def _put(handle: h5py.File, name: str, values: np.ndarray, kind: str = "array") -> None:
    del handle[name]
    node = handle.create_dataset(name, data=values)
    node.attrs["encoding-type"], node.attrs["encoding-version"] = kind, "0.2.0"


def _dtype(name: str, dtype: str) -> Callable[[h5py.File], None]:
    def change(handle: h5py.File) -> None:
        for key in ("raw", "layers"):
            del handle[key]
        _put(handle, name, handle[name][:].astype(dtype))

    return change


def _alien(name: str, column: str = "") -> Callable[[h5py.File], None]:
    def change(handle: h5py.File) -> None:
        group = handle.create_group(name)
        group.attrs["encoding-type"], group.attrs["encoding-version"] = "alien", "0.1.0"
        if column:
            order = [*handle["obs"].attrs["column-order"], column]
            handle["obs"].attrs["column-order"] = np.array(order, dtype=object)

    return change


def _gone_column(handle: h5py.File) -> None:
    handle["obs"].attrs["column-order"] = np.array(["leiden", "gone"], dtype=object)


def _twice_columns(handle: h5py.File) -> None:
    order = list(handle["obs"].attrs["column-order"])
    handle["obs"].attrs["column-order"] = np.array(order * 2, dtype=object)


def _bad_codes(handle: h5py.File) -> None:
    handle["obs/leiden/codes"][:3] = 99


def _short(name: str) -> Callable[[h5py.File], None]:
    return lambda handle: _put(handle, name, np.zeros((5, 2), np.float32))


def _no_names(handle: h5py.File) -> None:
    del handle["obs"][handle["obs"].attrs["_index"]]


def _text_map(handle: h5py.File) -> None:
    del handle["obsm/X_umap"]
    values = np.full((12, 2), "a", dtype=object)
    node = handle["obsm"].create_dataset("X_umap", data=values, dtype=h5py.string_dtype())
    node.attrs["encoding-type"], node.attrs["encoding-version"] = "string-array", "0.2.0"


ODD_H5AD: dict[str, tuple[str | None, Writer]] = {
    "float16": (None, _edit(_dtype("X/data", "float16"))),
    "dense float16": (None, _edit(_dtype("X", "float16"), dense=True)),
    "swapped bytes": (None, _edit(_dtype("X/data", ">f4"))),
    "dense swapped bytes": (None, _edit(_dtype("X", ">i4"), dense=True)),
    "int8": (None, _edit(_dtype("X/data", "int8"))),
    "64-bit indices": (None, _edit(_dtype("X/indices", "int64"))),
    "unknown in uns": ("parts_skipped", _edit(_alien("uns/odd"))),
    "unknown column": ("parts_skipped", _edit(_alien("obs/odd", "odd"))),
    "column that is gone": ("parts_skipped", _edit(_gone_column)),
    "codes beyond": ("parts_skipped", _edit(_bad_codes)),
    "map too short": ("parts_skipped", _edit(_short("obsm/X_umap"))),
    "layer too small": ("parts_skipped", _edit(_short("layers/counts"))),
    "raw too small": ("parts_skipped", _edit(_short("raw/X"))),
    "obs without names": ("parts_skipped", _edit(_no_names)),
    "columns twice": ("duplicate_columns", _edit(_twice_columns)),
    "map of text": (None, _edit(_text_map)),
}


@pytest.mark.parametrize("name", ODD_H5AD)
def test_counts_are_read_from_an_odd_h5ad(tmp_path: Path, plain: AnnData, name: str) -> None:
    code, write = ODD_H5AD[name]
    path = write(tmp_path, plain)
    report = doctor(path)
    found = [problem.code for problem in report.problems]
    assert report.matrix == "counts"
    assert code is None or code in found
    assert code is not None or found == ["few_genes"]
    session = Session(knowledge=None, load_describer=None)  # type: ignore[arg-type]
    session.open(path)
    read = session.prepared.adata.X
    assert np.array_equal(sparse.csr_matrix(read).toarray(), _dense(plain))


def _table(
    text: Callable[[pd.DataFrame], str], name: str = "x.csv", encoding: str = "utf-8"
) -> Writer:
    def write(folder: Path, adata: AnnData) -> Path:
        frame = pd.DataFrame(_dense(adata), index=adata.obs_names, columns=adata.var_names)
        (folder / name).write_bytes(text(frame).encode(encoding))
        return folder / name

    return write


def _packed(pack: Callable[[bytes], bytes], name: str) -> Writer:
    def write(folder: Path, adata: AnnData) -> Path:
        plain = _table(lambda f: f.to_csv(sep="\t"), "plain")(folder, adata).read_bytes()
        (folder / name).write_bytes(pack(plain))
        return folder / name

    return write


def _with_columns(frame: pd.DataFrame) -> str:
    frame = frame.copy()
    frame.insert(0, "cell_type", ["T cell", "B cell"] * 6)
    frame.insert(1, "n_counts", range(1000, 1012))
    frame.insert(2, "percent.mt", np.linspace(0, 9, 12))
    return frame.assign(leiden=[0, 1, 2] * 4, UMAP_1=0.5).to_csv()


def _with_lengths(frame: pd.DataFrame) -> str:
    turned = frame.T
    turned.insert(0, "gene_id", IDS)
    turned.insert(1, "length", 1500)
    return turned.to_csv()


def _thousands(frame: pd.DataFrame) -> str:
    return (frame * 1000).map(lambda value: f"{value:,.0f}").to_csv()


def _ending_commas(frame: pd.DataFrame) -> str:
    return "\n".join(f"{line}," for line in frame.to_csv().strip().split("\n"))


def _without_corner(frame: pd.DataFrame) -> str:
    return frame.T.to_csv(sep="\t").lstrip("\t")


TABLES: dict[str, Writer] = {
    "windows lines": _table(lambda f: f.to_csv(lineterminator="\r\n")),
    "old mac lines": _table(lambda f: f.to_csv(lineterminator="\r")),
    "byte order mark": _table(lambda f: f.to_csv(), encoding="utf-8-sig"),
    "utf-16": _table(lambda f: f.to_csv(), encoding="utf-16"),
    "utf-16 without mark": _table(lambda f: f.to_csv(), encoding="utf-16-le"),
    "latin-1": _table(lambda f: f.rename(index=lambda c: f"é{c}").to_csv(), encoding="latin-1"),
    "semicolons": _table(lambda f: f.to_csv(sep=";")),
    "decimal commas": _table(lambda f: f.to_csv(sep=";", decimal=",", float_format="%.1f")),
    "title": _table(lambda f: f"Expression of project 7\n{f.to_csv()}"),
    "remarks": _table(lambda f: f"# made by us\n# on a Monday\n\n{f.to_csv()}"),
    "quotes": _table(lambda f: f.astype(str).to_csv(quoting=1)),
    "columns of cells": _table(_with_columns),
    "columns of genes": _table(_with_lengths),
    "no corner": _table(_without_corner, "x.tsv"),
    "ending commas": _table(_ending_commas),
    "spaces": _table(lambda f: f.to_csv(sep=" "), "x.txt"),
    "bzip2": _packed(bz2.compress, "x.tsv.bz2"),
    "xz": _packed(lzma.compress, "x.tsv.xz"),
    "gzip": _packed(gzip.compress, "x.tsv.gz"),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_read_however_they_are_written(
    tmp_path: Path, plain: AnnData, name: str
) -> None:
    opened = read_dataset(TABLES[name](tmp_path, plain))
    assert opened.format == "table"
    assert opened.adata.var_names.tolist() == plain.var_names.tolist()
    cells = [cell.removeprefix("é") for cell in opened.adata.obs_names]
    assert cells == plain.obs_names.tolist()
    assert np.array_equal(opened.adata.X.toarray(), _dense(plain))


def test_columns_beside_the_numbers_become_obs(tmp_path: Path, plain: AnnData) -> None:
    opened = read_dataset(TABLES["columns of cells"](tmp_path, plain))
    assert set(opened.adata.obs) == {"cell_type", "n_counts", "percent.mt", "leiden", "UMAP_1"}
    assert opened.adata.obs["leiden"].tolist() == [0, 1, 2] * 4


def test_thousands_are_read(tmp_path: Path, plain: AnnData) -> None:
    opened = read_dataset(_table(_thousands)(tmp_path, plain))
    assert np.array_equal(opened.adata.X.toarray(), _dense(plain) * 1000)


def test_a_header_longer_than_any_buffer_is_read(tmp_path: Path) -> None:
    names = ["CD3D", "LYZ", "B2M", *(f"MADE-UP-GENE-{i}" for i in range(20_000))]
    rows = "\n".join(f"c{row}," + ",".join(["1"] * len(names)) for row in range(3))
    (tmp_path / "x.csv").write_text("cell," + ",".join(names) + "\n" + rows)
    assert read_dataset(tmp_path / "x.csv").adata.shape == (3, len(names))


def _trio(folder: Path, adata: AnnData, **parts: str) -> Path:
    run = folder / "run"
    run.mkdir()
    names = {"matrix": "matrix.mtx", "features": "features.tsv", "barcodes": "barcodes.tsv"}
    names |= {key.removesuffix("_name"): value for key, value in parts.items() if "_name" in key}
    buffer = io.BytesIO()
    scipy_io.mmwrite(buffer, sparse.coo_matrix(_dense(adata).T.astype(np.int32)))
    (run / names["matrix"]).write_bytes(buffer.getvalue())
    features = "\n".join(f"{i}\t{g}" for i, g in zip(IDS, adata.var_names, strict=True))
    (run / names["features"]).write_text(parts.get("features", features))
    (run / names["barcodes"]).write_text(parts.get("barcodes", "\n".join(adata.obs_names)))
    return run


def test_trios_of_other_programs_are_read(tmp_path: Path, plain: AnnData) -> None:
    genes = "\n".join(plain.var_names)
    cells = "\n".join(plain.obs_names)
    comma = "gene_id,gene_name\n" + "\n".join(
        f"{i},{g}" for i, g in zip(IDS, plain.var_names, strict=True)
    )
    trios: list[dict[str, str]] = [
        {"features": genes},
        {"features": f"gene\n{genes}", "barcodes": f"barcode\n{cells}"},
        {"features": cells, "barcodes": genes},
        {
            "features": comma,
            "barcodes": "\n".join(["bc,sample", *(f"{c},a" for c in plain.obs_names)]),
            "matrix_name": "DGE.mtx",
            "features_name": "all_genes.csv",
            "barcodes_name": "cell_metadata.csv",
        },
        {
            "features": genes,
            "matrix_name": "cells_x_genes.mtx",
            "features_name": "cells_x_genes.genes.txt",
            "barcodes_name": "cells_x_genes.barcodes.txt",
        },
    ]
    for number, parts in enumerate(trios):
        (tmp_path / str(number)).mkdir()
        adata = read_dataset(_trio(tmp_path / str(number), plain, **parts)).adata
        assert adata.var_names.tolist() == plain.var_names.tolist(), parts
        assert adata.obs_names.tolist() == plain.obs_names.tolist(), parts
        assert np.array_equal(adata.X.toarray(), _dense(plain)), parts


def _10x(
    path: Path, adata: AnnData, *, group: str = "matrix", kind: str = "Gene Expression"
) -> Path:
    matrix = sparse.csc_matrix(adata.X.T)
    with h5py.File(path, "a") as handle:
        made = handle.create_group(group)
        made["barcodes"] = np.array(list(adata.obs_names), dtype="S")
        made["data"], made["indices"] = matrix.data.astype(np.int32), matrix.indices
        made["indptr"], made["shape"] = matrix.indptr, np.array(matrix.shape)
        names, ids = np.array(list(adata.var_names), dtype="S"), np.array(IDS, dtype="S")
        if group == "matrix":
            made["features/id"], made["features/name"] = ids, names
            made["features/feature_type"] = np.array([kind] * adata.n_vars, dtype="S")
        else:
            made["genes"], made["gene_names"] = ids, names
    return path


def test_the_human_genome_of_two_is_read(tmp_path: Path, plain: AnnData) -> None:
    mouse = plain.copy()
    mouse.var_names = [name.capitalize() for name in plain.var_names]
    _10x(tmp_path / "x.h5", mouse, group="mm10")
    path = _10x(tmp_path / "x.h5", plain[:9], group="GRCh38")
    report = doctor(path)
    assert (report.n_obs, report.species) == (9, "human")
    assert "several_genomes" in [problem.code for problem in report.problems]


def test_empty_droplets_are_left_out(tmp_path: Path, plain: AnnData) -> None:
    cells = np.tile(_dense(plain) * 20, (10, 1))
    droplets = np.zeros((25_000, 8), np.float32)
    droplets[::3, 0] = 1
    droplets[::200][:120] = cells
    names = [f"d{i}" for i in range(len(droplets))]
    path = _10x(
        tmp_path / "raw.h5",
        AnnData(
            sparse.csr_matrix(droplets),
            obs=pd.DataFrame(index=names),
            var=pd.DataFrame(index=plain.var_names),
        ),
    )
    report = doctor(path)
    assert report.n_obs == 120
    message = next(p.message for p in report.problems if p.code == "empty_droplets")
    assert "Of the 25,000 barcodes, 24,880 have fewer than" in message


def test_gene_expression_of_several_modalities_is_read(tmp_path: Path, plain: AnnData) -> None:
    with h5py.File(tmp_path / "x.h5mu", "w") as handle:
        proteins = plain[:, :2].copy()
        modalities = handle.create_group("mod")
        for name, part in {"rna": plain, "prot": proteins}.items():
            anndata.io.write_elem(modalities, name, part)
        anndata.io.write_elem(handle, "obs", plain.obs)
        anndata.io.write_elem(handle, "var", plain.var)
    opened = read_dataset(tmp_path / "x.h5mu")
    assert np.array_equal(opened.adata.X.toarray(), _dense(plain))
    assert [note.code for note in opened.notes] == ["other_features"]


def _file(name: str, content: bytes) -> Writer:
    return lambda folder, adata: (folder / name).write_bytes(content) and folder / name


def _zip(name: str, members: dict[str, bytes]) -> Writer:
    def write(folder: Path, adata: AnnData) -> Path:
        with zipfile.ZipFile(folder / name, "w") as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        return folder / name

    return write


def _pipe(folder: Path, adata: AnnData) -> Path:
    os.mkfifo(folder / "x.h5ad")
    return folder / "x.h5ad"


def _link_loop(folder: Path, adata: AnnData) -> Path:
    (folder / "x.h5ad").symlink_to(folder / "x.h5ad")
    return folder / "x.h5ad"


def _folder_loop(folder: Path, adata: AnnData) -> Path:
    (folder / "f").mkdir()
    (folder / "f" / "g").symlink_to(folder / "f")
    os.mkfifo(folder / "f" / "matrix.mtx")
    return folder / "f"


def _h5seurat(folder: Path, adata: AnnData) -> Path:
    with h5py.File(folder / "x.h5seurat", "w") as handle:
        handle.create_group("assays/RNA")
    return folder / "x.h5seurat"


def _external_link(handle: h5py.File) -> None:
    del handle["X"]
    handle["X"] = h5py.ExternalLink("/etc/passwd", "/x")


def _external_bytes(folder: Path, adata: AnnData) -> Path:
    (folder / "secret").write_bytes(b"s" * 96)
    with h5py.File(folder / "x.h5ad", "w") as handle:
        anndata.io.write_elem(handle, "obs", adata.obs)
        anndata.io.write_elem(handle, "var", adata.var)
        secret = [(str(folder / "secret"), 0, 96)]
        handle.create_dataset("X", shape=(12, 8), dtype="u1", external=secret)
    return folder / "x.h5ad"


def _virtual(folder: Path, adata: AnnData) -> Path:
    _dense_h5ad = _edit(lambda handle: None, dense=True)(folder, adata)
    _dense_h5ad.rename(folder / "other.h5ad")
    with h5py.File(folder / "x.h5ad", "w") as handle:
        anndata.io.write_elem(handle, "obs", adata.obs)
        anndata.io.write_elem(handle, "var", adata.var)
        layout = h5py.VirtualLayout(shape=(12, 8), dtype="f4")
        layout[:] = h5py.VirtualSource(str(folder / "other.h5ad"), "X", shape=(12, 8))
        handle.create_virtual_dataset("X", layout)
    return folder / "x.h5ad"


def _claims_much(folder: Path, adata: AnnData) -> Path:
    with h5py.File(folder / "x.h5ad", "w") as handle:
        anndata.io.write_elem(handle, "var", adata.var)
        group = handle.create_group("obs")
        group.attrs["encoding-type"], group.attrs["encoding-version"] = "dataframe", "0.2.0"
        group.attrs["_index"] = "_index"
        group.attrs["column-order"] = np.array([], dtype="S")
        group.create_dataset("_index", shape=(10**11,), dtype="f8", chunks=(10**6,))
        handle.create_dataset("X", shape=(10**11, 8), dtype="f4", chunks=(1000, 8))
    return folder / "x.h5ad"


REFUSED: dict[str, tuple[str, str, Writer]] = {
    "excel": ("not_a_dataset", "Excel", _zip("x.xlsx", {"xl/workbook.xml": b"<x/>"})),
    "old excel": ("not_a_dataset", "Excel", _file("x.xls", b"\xd0\xcf\x11\xe0" + b"\0" * 99)),
    "word": ("not_a_dataset", "Word", _zip("x.docx", {"word/document.xml": b"<x/>"})),
    "parquet": ("not_a_dataset", "Parquet", _file("x.parquet", b"PAR1" + b"\0" * 99)),
    "feather": ("not_a_dataset", "Feather", _file("x.feather", b"ARROW1\0\0" + b"\0" * 99)),
    "picture": ("not_a_dataset", "picture", _file("x.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 99)),
    "pickle": ("not_a_dataset", "pickle", _file("x.pkl", b"\x80\x04\x95\x0b" + b"\0" * 99)),
    "numpy": ("not_a_dataset", "NumPy", _file("x.npy", b"\x93NUMPY\x01\0" + b"\0" * 99)),
    "reads": ("not_a_dataset", "reads", _file("x.fastq", b"@r1\nACGT\n+\nIIII\n" * 9)),
    "variants": ("not_a_dataset", "variants", _file("x.vcf", b"##fileformat=VCFv4.2\n#C\tP\n")),
    "annotation": ("not_a_dataset", "annotation", _file("x.gtf", b"chr1\tH\tgene\t1\t9\n" * 9)),
    "zstandard": ("not_a_dataset", "Zstandard", _file("x.h5ad.zst", b"\x28\xb5\x2f\xfd000")),
    "7z": ("not_a_dataset", "7z", _file("x.7z", b"7z\xbc\xaf'\x1c000")),
    "h5seurat": ("r_object", "R object", _h5seurat),
    "ragged": ("ragged_table", "numbers of cells", _file("x.csv", b"g,a,b\nLYZ,1,2\nB2M,1,2,3\n")),
    "pipe": ("unreadable_file", "pipe", _pipe),
    "device": ("unreadable_file", "device", lambda folder, adata: Path("/dev/zero")),
    "link to itself": ("file_not_found", "no file", _link_loop),
    "name too long": ("file_not_found", "no file", lambda folder, adata: folder / ("a" * 400)),
    "name with null": ("file_not_found", "no file", lambda folder, adata: folder / "a\0.h5ad"),
    "folder in itself": ("not_a_dataset", "no dataset", _folder_loop),
    "long member": ("not_a_dataset", "x.zip", _zip("x.zip", {"a" * 300 + ".csv": b"a,b\n"})),
    "external link": ("external_data", "other files", _edit(_external_link)),
    "external bytes": ("external_data", "other files", _external_bytes),
    "virtual dataset": ("external_data", "other files", _virtual),
    "claims much": ("too_many_cells", "100,000,000,000", _claims_much),
    "peaks only": (
        "no_gene_expression",
        "Peaks",
        lambda folder, adata: _10x(folder / "x.h5", adata, kind="Peaks"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_dataset_is_refused_with_its_code(
    tmp_path: Path, plain: AnnData, name: str
) -> None:
    code, words, write = REFUSED[name]
    path = write(tmp_path, plain)
    report = doctor(path)
    assert [problem.code for problem in report.problems] == [code]
    assert words in report.problems[0].message
    assert report.problems[0].fix.endswith(".")
    session = Session(knowledge=None, load_describer=None)  # type: ignore[arg-type]
    with pytest.raises(DatasetError) as caught:
        session.open(path)
    assert caught.value.code == code


def _named(names: list[str]) -> Writer:
    def write(folder: Path, adata: AnnData) -> Path:
        adata.var_names = names
        with quiet():
            adata.write_h5ad(folder / "x.h5ad")
        return folder / "x.h5ad"

    return write


LIMITED: dict[str, tuple[str, Writer]] = {
    "genomic_regions": ("unknown", _named([f"chr{i + 1}:1000-2000" for i in range(8)])),
    "transcripts": ("unknown", _named([i.replace("ENSG", "ENST") for i in IDS])),
    "proteins": ("unknown", _named([f"CD{i}-TotalSeqB" for i in range(8)])),
    "genes_as_dates": ("symbol", _named(["CD3D", "LYZ", "B2M", "1-Mar", "2-Sep", "A", "C", "D"])),
    "mixed_species": ("ensembl", _named([*IDS[:4], *(f"ENSMUSG0000016728{i}" for i in range(4))])),
}


@pytest.mark.parametrize("code", LIMITED)
def test_features_that_are_no_genes_have_their_code(
    tmp_path: Path, plain: AnnData, code: str
) -> None:
    kind, write = LIMITED[code]
    report = doctor(write(tmp_path, plain))
    assert report.gene_ids == kind
    assert code in [problem.code for problem in report.problems]


def test_one_of_several_datasets_is_named(tmp_path: Path, plain: AnnData) -> None:
    for name in ("raw_feature_bc_matrix.h5ad", "filtered_feature_bc_matrix.h5ad"):
        plain.write_h5ad(tmp_path / name)
    opened = read_dataset(tmp_path)
    note = next(note for note in opened.notes if note.code == "several_datasets")
    assert "'filtered_feature_bc_matrix.h5ad' is read" in note.message


def test_an_archive_in_an_archive_is_read_within_the_limit(tmp_path: Path, plain: AnnData) -> None:
    plain.write_h5ad(tmp_path / "a.h5ad")
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a/a.h5ad", (tmp_path / "a.h5ad").read_bytes())
    path = _zip("x.zip", {"inner.zip": inner.getvalue()})(tmp_path, plain)
    assert read_dataset(path).adata.shape == plain.shape
    with pytest.raises(DatasetError, match="unpacks to more"):
        read_dataset(path, limits=Limits(unpacked_bytes=20_000))
