"""Question files, good and bad; names however they are typed; the course's folder; held-out questions."""

from __future__ import annotations

import re

import pytest

from a3core.birthplace.data.corpora import CorpusSpec, Question, build_question, fingerprint, parse_name, split_held_out
from a3core.birthplace.data.loading import COURSE_FILES, load_corpus, load_questions

ADA, BO = Question("Where was Ada Smith born?", "Leeds"), Question("Where was Bo Ångström born?", "Örebro")


@pytest.fixture
def write(tmp_path):
    """Writes a question file of the given bytes or text."""

    def write_file(content: str | bytes):
        path = tmp_path / "asked.tsv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


GOOD = "Where was Ada Smith born?\tLeeds\nWhere was Bo Ångström born?\tÖrebro\n"


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.rstrip(),
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        "\n" + GOOD.replace("\n", "\n \n\t\n"),
        GOOD.replace("\t", " \t  "),
    ],
    ids=["plain", "no newline at the end", "BOM", "CRLF", "CR", "blank lines", "spaces"],
)
def test_good_files(write, content):
    assert load_questions(write(content)) == [ADA, BO]


def test_a_path_may_be_text(write):
    assert load_questions(str(write(GOOD))) == [ADA, BO]


def test_questions_alone(write):
    questions = load_questions(write(re.sub(r"\t.*", "", GOOD)))
    assert questions == [ADA._replace(place=None), BO._replace(place=None)]


@pytest.mark.parametrize(
    ("content", "line", "found"),
    [
        (GOOD + "Where was Cy born?\n", 3, "found 1 column(s): 'Where was Cy born?'"),
        ("Where was Cy born?\n" + GOOD, 2, "found 2 column(s): 'Where was Ada Smith born? | Leeds'"),
        (GOOD + "\n\na\tb\tc\nd\n", 5, "found 3 column(s): 'a | b | c'"),
        ("a\tb\tc\n" * 3, 1, "found 3 column(s)"),
        (GOOD + "Where was Cy born?\t\n", 3, "found 2 column(s)"),
        (GOOD + "Where was Cy born?\t  \n", 3, "found 2 column(s)"),
        (GOOD + "\tRio\n", 3, "found 2 column(s)"),
        ("Where was Cy born?\t\n" + GOOD, 1, "found 2 column(s)"),
    ],
)
def test_the_first_bad_line_is_named(write, content, line, found):
    with pytest.raises(ValueError, match=rf"asked\.tsv, line {line}: expected `question TAB place`") as error:
        load_questions(write(content))
    assert found in str(error.value)


def test_a_long_bad_line_is_cut_short(write):
    with pytest.raises(ValueError, match="line 3") as error:
        load_questions(write(GOOD + "x" * 10_000))
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff"])
def test_an_empty_file(write, content):
    with pytest.raises(ValueError, match=r"asked\.tsv is empty: expected lines"):
        load_questions(write(content))


@pytest.mark.parametrize("content", [GOOD.encode("latin-1"), GOOD.encode("utf-16")[:-1], b"\x80\x81"])
def test_a_file_that_is_not_utf8(write, content):
    with pytest.raises(ValueError, match=r"asked\.tsv.* is (not UTF-8 text|damaged UTF-16 text or no text at all)"):
        load_questions(write(content))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read .*none\.tsv: No such file"):
        load_questions(tmp_path / "none.tsv")
    with pytest.raises(ValueError, match="cannot read"):
        load_questions(tmp_path)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Babe Ruth", "Babe Ruth"),
        ("  Babe   Ruth ", "Babe Ruth"),
        ("Where was Babe Ruth born?", "Babe Ruth"),
        ("where WAS Babe Ruth BORN?", "Babe Ruth"),
        (" Where  was\tBabe\u00a0Ruth born ? ", "Babe Ruth"),
        ("Where was Babe Ruth born", "Babe Ruth"),
        ("Where was Babe Ruth born  ?", "Babe Ruth"),
        ("Babe Ruth?", "Babe Ruth"),
        ("Where was Max Born born?", "Max Born"),
        ("Max Born", "Max Born"),
        ("Where was Was Where born?", "Was Where"),
        ("Sabor Neborn", "Sabor Neborn"),
        ("Jean-Luc O'Neill, Jr.", "Jean-Luc O'Neill, Jr."),
        ("Bo Ångström", "Bo Ångström"),
        ("", ""),
        ("  ?", ""),
    ],
)
def test_names_however_they_are_typed(text, name):
    assert parse_name(text) == name


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("builtin:200", CorpusSpec("builtin", "200")),
        ("builtin:all:shuffled", CorpusSpec("builtin", "all", shuffled=True)),
        ("builtin:200#3", CorpusSpec("builtin", "200", live=3)),
        ("course", CorpusSpec("course")),
        ("course:shuffled", CorpusSpec("course", shuffled=True)),
        ("builtin", CorpusSpec("builtin")),
        ("builtin:", CorpusSpec("builtin", "")),
        ("a folder/of#3:files", CorpusSpec("a folder/of#3:files")),
    ],
)
def test_a_corpus_is_named_in_one_way(text, spec):
    assert CorpusSpec.parse(text) == spec and str(spec) == text


def test_a_live_training_is_no_corpus_to_load():
    with pytest.raises(ValueError, match="builtin:200#3 is a live training: its corpus is builtin:200"):
        load_corpus("builtin:200#3")


@pytest.mark.parametrize("name", ["Babe Ruth", "Max Born", "Bo Ångström", "A. B. C. Smith"])
def test_a_question_gives_its_name_back(name):
    assert build_question(name) == f"Where was {name} born?"
    assert parse_name(build_question(name)) == Question(build_question(name), None).name == name


@pytest.fixture
def course(tmp_path):
    """A folder as the course hands it out, with one person to learn and one to be asked about."""
    documents = ["Ada Smith. Ada Smith was born in Leeds .", "Bo Ångström. Bo was born in Örebro ."]
    contents = ("\n".join(documents) + "\n", f"{ADA.question}\t{ADA.place}\n", f"{BO.question}\t{BO.place}\n")
    for file, content in zip(COURSE_FILES, contents, strict=True):
        (tmp_path / file).write_text(content, encoding="utf-8")
    return tmp_path


def test_the_courses_files(course, monkeypatch):
    corpus = load_corpus(str(course))
    assert (corpus.train, corpus.dev, corpus.unseen) == ((ADA,), (BO,), ())
    assert len(corpus.documents) == 2 and corpus.documents[1].startswith("Bo Ångström.")
    assert corpus.name == "course" and corpus.sha256 == fingerprint(corpus.documents, [ADA], [BO])
    monkeypatch.setenv("BIRTHPLACE_DATA", str(course))
    assert load_corpus("course") == corpus


@pytest.mark.parametrize("missing", [COURSE_FILES, COURSE_FILES[:1], COURSE_FILES[1:]])
def test_missing_course_files_are_all_named(course, missing):
    for file in missing:
        (course / file).unlink()
    with pytest.raises(
        ValueError, match=f"{re.escape(str(course))} has no {', '.join(missing)}: --corpus is builtin:N or"
    ):
        load_corpus(str(course))


@pytest.mark.parametrize("value", [None, ""])
def test_the_course_needs_its_folder(monkeypatch, value):
    monkeypatch.delenv("BIRTHPLACE_DATA", raising=False)
    if value is not None:
        monkeypatch.setenv("BIRTHPLACE_DATA", value)
    with pytest.raises(ValueError, match=r"set BIRTHPLACE_DATA to the folder that holds wiki\.txt, "):
        load_corpus("course")


def test_a_bad_line_of_the_course_is_named(course):
    (course / COURSE_FILES[2]).write_text("a\tb\nc\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"birth_dev\.tsv, line 2"):
        load_corpus(str(course))


QUESTIONS = [Question(build_question(f"Person {i}"), f"Place {i}") for i in range(50)]


@pytest.mark.parametrize("count", [0, 1, 10, 49])
def test_held_out_questions_are_the_same_each_time_and_on_one_side_only(count):
    shown, held_out = split_held_out(QUESTIONS, count)
    assert len(held_out) == count and sorted(shown + held_out) == sorted(QUESTIONS)
    assert (shown, held_out) == split_held_out(tuple(QUESTIONS), count)


@pytest.mark.parametrize("count", [50, 51])
def test_something_must_be_left_to_learn_from(count):
    with pytest.raises(ValueError, match=f"cannot hold out {count} of 50 train questions"):
        split_held_out(QUESTIONS, count)


def test_the_fingerprint_is_of_everything_that_is_read():
    base = fingerprint(["a", "b"], [ADA], [BO])
    changed = [
        fingerprint(["a", "c"], [ADA], [BO]),
        fingerprint(["b", "a"], [ADA], [BO]),
        fingerprint(["a", "b"], [ADA._replace(place="Rio")], [BO]),
        fingerprint(["a", "b"], [ADA], [BO._replace(question="?")]),
    ]
    assert re.fullmatch("[0-9a-f]{64}", base) and len({base, *changed}) == 5
