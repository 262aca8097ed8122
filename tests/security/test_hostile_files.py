"""Files of strangers: pickles, bombs, and what is not what its name says."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from pathlib import Path

import pytest
from measured import read_in_process


def test_a_pickle_is_never_loaded(tmp_path):
    """Neither as a checkpoint's weights nor as a language model's."""
    from a3core.birthplace.checkpoints import load_checkpoint
    from a3core.llm.local import load_language_model

    done = tmp_path / "done"

    class Payload:
        def __reduce__(self):
            return Path.touch, (done,)

    for name in ("model.safetensors", "pytorch_model.bin", "model.pt", "model.pkl"):
        (tmp_path / name).write_bytes(pickle.dumps(Payload()))
    (tmp_path / "config.json").write_text('{"model_type": "llama", "vocabulary": "□⁇ab"}', encoding="utf-8")
    with pytest.raises(ValueError, match="cannot be loaded"):
        load_checkpoint(tmp_path)
    with pytest.raises(ValueError, match="no causal language model that can be loaded here"):
        load_language_model(str(tmp_path))
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"has no model.safetensors"):
        load_checkpoint(tmp_path)
    with pytest.raises(ValueError, match="no causal language model that can be loaded here"):
        load_language_model(str(tmp_path))
    assert not done.exists()


def build_safetensors(header: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header


HUGE = json.dumps({"embed.weight": {"dtype": "F32", "shape": [2**40, 2**20], "data_offsets": [0, 2**62]}}).encode()
SAFETENSORS_BOMBS = {
    "a header of 9 exabytes": build_safetensors(b"{}", 2**63),
    "a header of 90 MB that is not there": build_safetensors(b"{}", 90_000_000),
    "a shape of exabytes": build_safetensors(HUGE),
    "brackets": build_safetensors(b"[" * 1_000_000),
    "nothing": b"",
    "overlapping": build_safetensors(
        json.dumps({n: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for n in "ab"}).encode()
    )
    + bytes(4),
}


@pytest.mark.slow
@pytest.mark.parametrize("bomb", SAFETENSORS_BOMBS)
def test_weights_that_lie_about_their_size_are_refused(tmp_path, build_gpt, training, bomb):
    from a3core.birthplace.checkpoints import load_checkpoint, save_checkpoint, write_training

    save_checkpoint(build_gpt(), tmp_path / "checkpoint", training)
    write_training(tmp_path / "checkpoint", training)  # as whoever made the file would: with no hash, or with its own
    (tmp_path / "checkpoint" / "model.safetensors").write_bytes(SAFETENSORS_BOMBS[bomb])
    with pytest.raises(ValueError, match=r"cannot be loaded, its weights do not fit its config\.json"):
        load_checkpoint(tmp_path / "checkpoint")


def pack_zip(members: dict[str, bytes], path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in members.items():
            bundle.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["../evil.json", "/tmp/evil.json", "a/../../run.json", "C:\\run.json", "run.json\n"])
def test_an_export_unpacks_nothing_but_its_own_members(grading, tmp_path, name):
    from labelled import restore_export

    with pytest.raises(ValueError, match="is no export of a run"):
        restore_export(grading.store, pack_zip({"run.json": b"{}", name: b"{}"}, tmp_path / "a.zip"))
    assert not (tmp_path.parent / "evil.json").exists()


def test_a_link_in_an_export_is_unpacked_as_a_plain_file(tmp_path):
    from a3core.grader.export.archive import unpack

    link = zipfile.ZipInfo("run.json")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        bundle.writestr(link, "/etc/passwd")
    (tmp_path / "out").mkdir()
    unpacked = unpack(tmp_path / "a.zip", tmp_path / "out") / "run.json"
    assert not unpacked.is_symlink() and unpacked.read_text(encoding="utf-8") == "/etc/passwd"


def test_an_export_that_is_a_bomb_is_not_unpacked(grading, tmp_path, monkeypatch):
    from a3core.grader.export import archive as exporting

    monkeypatch.setattr(exporting, "LARGEST", 1_000_000)
    bomb = pack_zip({"run.json": b"{}", "responses.jsonl": b" " * 2_000_000}, tmp_path / "a.zip")
    assert bomb.stat().st_size < 10_000
    with pytest.raises(ValueError, match="unpacks to over"):
        exporting.read_archive(bomb)


def write_parquet_bomb(path: Path) -> Path:
    import pyarrow
    import pyarrow.parquet

    text = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 3000, pyarrow.int32()), ["x" * 10_000])
    table = pyarrow.table({"question": text, "answer": text})
    pyarrow.parquet.write_table(table, path, compression="zstd")
    return path


def test_a_pool_that_is_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    from a3core.common import packed_tables
    from a3core.fewshot.pools import load_pool

    monkeypatch.setattr(packed_tables, "LARGEST_TEXT", 10_000_000)
    bomb = write_parquet_bomb(tmp_path / "pool.parquet")
    assert bomb.stat().st_size < 500_000
    with pytest.raises(ValueError, match=r"pool\.parquet unpacks to more than 10 MB: divide it"):
        load_pool(bomb)


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["a3core.common.tabular import read_table", "a3core.fewshot.pools import load_pool"])
def test_many_columns_or_equal_values_are_refused_before_they_are_read(tmp_path, reader):
    import pyarrow
    import pyarrow.parquet

    columns = ",".join(["question", "answer", *(f"c{i}" for i in range(200_000))])
    (tmp_path / "many.csv").write_text(f"{columns}\n1\n", encoding="utf-8")
    values = pyarrow.ListArray.from_arrays([0, 12_000_000], pyarrow.nulls(12_000_000, pyarrow.int8()).fill_null(7))
    pyarrow.parquet.write_table(pyarrow.table({"question": ["Who?"], "answer": values}), tmp_path / "equal.parquet")
    for name, expected in (
        ("many.csv", ", line 1 has more than 100,000 cells"),
        ("equal.parquet", " unpacks to more than 10,000,000"),
    ):
        sentence, seconds, grown = read_in_process(f"from {reader} as read", tmp_path / name)
        assert sentence.startswith(f"{name}{expected}") and seconds < 2 and grown < 300


WRONG = {
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10,
    "a pickle": pickle.dumps({"question": "a", "answer": "b"}),
    "an archive": b"PK\x03\x04" + bytes(100),
    "gzip": b"\x1f\x8b\x08" + bytes(100),
    "nothing": b"",
    "zeros": bytes(10_000),
    "brackets": b"[" * 200_000,
    "a number of a million digits": b"[" + b"9" * 1_000_000 + b"]",
    "half of UTF-16": "question,answer\na,b\n".encode("utf-16")[:-1],
}


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".tsv", ".xlsx", ".parquet"])
@pytest.mark.parametrize("content", WRONG)
def test_a_file_of_another_kind_is_one_clear_sentence(tmp_path, content, suffix):
    from a3core.common.tabular import read_table
    from a3core.fewshot.pools import load_pool

    path = tmp_path / f"file{suffix}"
    path.write_bytes(WRONG[content])
    for read in (read_table, load_pool):
        with pytest.raises(ValueError, match=r"file\.") as caught:
            read(path)
        assert len(str(caught.value)) < 500
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", WRONG)
def test_a_file_of_questions_of_another_kind_is_one_clear_sentence(tmp_path, content):
    from a3core.birthplace.data.loading import load_questions

    path = tmp_path / "questions.tsv"
    path.write_bytes(WRONG[content])
    if content in ("brackets", "a number of a million digits"):
        return  # a line of text is a question
    with pytest.raises(ValueError, match=r"^questions\.tsv") as caught:
        load_questions(path)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("path", ["~nobody-of-this-name/pool.jsonl", "~nobody-of-this-name"])
def test_the_home_of_nobody_is_one_clear_sentence(path):
    from a3core.fewshot.pools import load_pool
    from a3core.llm.local import load_language_model

    for load in (load_pool, load_language_model):
        with pytest.raises(ValueError, match="nobody-of-this-name"):
            load(path)
