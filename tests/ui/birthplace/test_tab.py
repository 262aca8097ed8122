"""Every event of the Birthplace tab, called through the page as the page calls it."""

from __future__ import annotations

import re
import shutil

import gradio as gr
import pandas as pd
import pytest

FAMILY = "builtin:10"


def find_event(demo, name: str) -> int:
    """The number of the first event that runs the function of this name."""
    return next(i for i, event in demo.fns.items() if getattr(event.fn, "__name__", "") == name)


def call(demo, name: str, *inputs):
    return demo(*inputs, fn_index=find_event(demo, name))


def ask(demo, text: str, family: str = FAMILY):
    """What the page shows in the end; the event streams, which a call does not let it."""
    *_, last = demo.fns[find_event(demo, "answer")].fn(text, family)
    (answers,) = last.values()
    return answers


def test_a_question_is_answered_by_every_checkpoint_and_the_baseline(demo):
    answers = ask(demo, "where was   stan MUSIAL born")
    for expected in ("Stan Musial", "Donora", "builtin-finetuned", "builtin-pretrained-finetuned", "London baseline"):
        assert expected in answers
    assert "builtin-pretrained<" not in answers  # it answers no questions
    assert 'aria-busy="false"' in answers and answers.count('aria-label="The likeliest places"') == 2


def test_an_unknown_name_has_no_verdict(demo):
    answers = ask(demo, "Nobody Atall")
    assert "no table here has the answer" in answers
    assert "✓" not in answers
    assert "✗" not in answers


@pytest.mark.slow
@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "${1+1}", "{{value}}", "<img src=x onerror=alert(1)>"])
def test_a_name_is_never_markup(demo, text):
    answers = ask(demo, text)
    assert "<script" not in answers
    assert "<img" not in answers


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "type a name"), ("   ", "type a name"), ("Zoë", "never read"), ("a" * 300, "shorten"), ("\0", "never read")],
)
def test_bad_questions_are_one_clear_sentence(demo, text, says):
    with pytest.raises(gr.Error, match=says):
        ask(demo, text)


@pytest.mark.parametrize("family", [None, "builtin:11", "nowhere"])
def test_a_family_that_is_not_there_is_one_clear_sentence(demo, family):
    with pytest.raises(gr.Error, match="no model of this family"):
        ask(demo, "Stan Musial", family)


@pytest.mark.parametrize(
    ("corpus", "told"),
    [
        ("builtin:1000", "Baseball people: the 1000 best-known"),
        ("builtin:all", "Baseball people: all"),
        ("builtin:200:shuffled", "Baseball people: the 200 best-known, shuffled"),
        ("course", "Wikipedia people: the course's corpus"),
        ("course:shuffled", "Wikipedia people: the course's corpus, shuffled"),
        ("mine", "mine"),
    ],
)
def test_families_have_names(corpus, told):
    from a3core.ui.birthplace.families import name_family

    assert name_family(corpus) == told


def test_surprise_draws_somebody_of_the_list(demo):
    from a3core.birthplace.data.loading import fold_name, list_people

    assert fold_name(call(demo, "draw_name", FAMILY)) in list_people(FAMILY)


def test_the_list_marks_each_name(demo):
    from a3core.birthplace.data.loading import list_people
    from a3core.ui.birthplace.families import list_choices

    marks = {label.split(" · ")[1] for label, _ in list_choices(list_people(FAMILY))}
    assert marks <= {"trained on", "held out", "never read"}
    assert {"trained on", "never read"} <= marks


def test_a_span_is_filled_and_shown_as_text(demo):
    filled = call(demo, "fill_sentence", "<b>Babe Ruth was born in ___.", FAMILY)
    assert "&lt;b&gt;Babe Ruth was born in <mark" in filled
    assert "builtin-pretrained" in filled


@pytest.mark.parametrize("text", ["", "no span", "two ⁇ of ⁇ them", "⁇ first"])
def test_a_sentence_without_one_span_is_refused(demo, text):
    with pytest.raises(gr.Error, match="mark one span"):
        call(demo, "fill_sentence", text, FAMILY)


def test_training_curves_and_their_table(demo):
    curves, facts = call(demo, "show_curves", FAMILY)
    assert curves["visible"]
    assert re.findall(r"<tr>\s*<td>([^<]*)</td>", facts) == [
        "builtin-finetuned",
        "builtin-pretrained",
        "builtin-pretrained-finetuned",
    ]


@pytest.mark.slow
def test_a_broken_file_beside_a_checkpoint_is_one_clear_sentence(checkpoint_root, fewshot, tmp_path):
    from a3core.ui.demo import build_demo

    shutil.copytree(checkpoint_root, tmp_path / "checkpoints")
    demo, folder = build_demo(tmp_path / "checkpoints", fewshot=fewshot), tmp_path / "checkpoints" / "builtin-finetuned"
    (folder / "training.csv").unlink()
    (folder / "confidence.json").write_text("{")
    (folder.parent / "builtin-pretrained" / "familiarity.json").write_text('{"slope": 1.0}')
    for event, says in (("show_curves", r"training\.csv is missing"), ("show_coverage", r"confidence\.json is broken")):
        with pytest.raises(gr.Error, match=says):
            demo.fns[find_event(demo, event)].fn(FAMILY)
    (folder / "confidence.json").unlink()
    with pytest.raises(gr.Error, match=r"familiarity\.json is broken"):
        ask(demo, "Stan Musial")


def test_a_family_without_a_confidence_says_how_to_get_one(demo):
    picture, message = call(demo, "show_coverage", FAMILY)
    assert "--hold-out" in message and not picture["visible"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("A3_CACHE", str(tmp_path / "cache"))


def evaluate(demo, path, family=FAMILY):
    """All updates of the panel; it is a generator, which the page does not let itself be called with."""
    return list(demo.fns[find_event(demo, "evaluate_file")].fn(path, family))


def by_label(update: dict) -> dict:
    return {getattr(component, "label", None): value for component, value in update.items()}


def test_a_file_is_evaluated_with_progress(demo, tmp_path):
    path = tmp_path / "questions.tsv"
    path.write_text("Where was Stan Musial born?\tDonora\nWhere was Jack London born?\tLondon\n", encoding="utf-8")
    *progress, last = evaluate(demo, str(path))
    steps = [" ".join(update.values()).partition(" of ")[0] for update in progress]
    assert steps == ["0", "2", "4"]
    update = by_label(last)
    accuracy, pairs = [value.value for value in last.values() if isinstance(value, gr.HTML) and value.visible]
    assert re.search(r"<td>London baseline</td>\s*<td>1</td>\s*<td>2</td>", accuracy)
    assert "McNemar" in pairs and pairs.count("<tr>") == 4
    predictions = pd.read_csv(update["Predictions"].value["path"], sep="\t")
    assert list(predictions["place"]) == ["Donora", "London"]
    assert list(predictions["London baseline"]) == ["London", "London"]


def test_questions_without_places_get_predictions_only(demo, tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text("Where was Stan Musial born?\n", encoding="utf-8")
    last = evaluate(demo, str(path))[-1]
    update = by_label(last)
    assert not any(value.visible for value in last.values() if isinstance(value, gr.HTML))
    assert not update["Accuracy with 95 % intervals"].visible
    assert list(pd.read_csv(update["Predictions"].value["path"], sep="\t")) == [
        "question",
        "builtin-finetuned",
        "builtin-pretrained-finetuned",
        "London baseline",
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "questions.tsv is empty"),
        (b"Where was A born?\tB\nonly a question\n", "line 2"),
        (b"a\tb\tc\n", "line 1"),
        (b"\xff\xfe\x00", "is damaged UTF-16 text or no text at all"),
    ],
)
def test_a_bad_file_names_its_first_bad_line(demo, tmp_path, content, says):
    path = tmp_path / "questions.tsv"
    path.write_bytes(content)
    with pytest.raises(gr.Error, match=says):
        evaluate(demo, str(path))


def test_a_question_that_cannot_be_read_is_said_and_counts_as_wrong(demo, tmp_path):
    path = tmp_path / "questions.tsv"
    path.write_text("Where was Zoë born?\tB\nWhere was Stan Musial born?\tDonora\n", encoding="utf-8")
    *_, last = evaluate(demo, str(path))
    status = next(value for value in last.values() if isinstance(value, str))
    assert "1 of them cannot be read" in status
    assert "Zoë" in status
    predictions = pd.read_csv(by_label(last)["Predictions"].value["path"], sep="\t", keep_default_na=False)
    assert predictions["builtin-finetuned"][0] == ""


def test_no_file_is_a_clear_sentence(demo):
    with pytest.raises(gr.Error, match="choose a file"):
        evaluate(demo, None)


def test_the_endpoint_lists_every_checkpoint(demo):
    rows = demo("Stan Musial", api_name="predict_birthplace")
    assert [row["checkpoint"] for row in rows] == [
        "builtin-finetuned",
        "builtin-pretrained-finetuned",
        "London baseline",
    ]
    for row in rows:
        assert set(row) == {
            "checkpoint", "place", "probability", "top", "familiar", "recalled_sentence", "confidence"
        }  # fmt: skip
        assert row["recalled_sentence"] is None and row["confidence"] is None
        assert 0 <= row["probability"] <= 1
        assert [c["probability"] for c in row["top"]] == sorted((c["probability"] for c in row["top"]), reverse=True)


def test_the_endpoint_without_a_name_is_one_clear_sentence(demo):
    for name in (None, ""):
        with pytest.raises(gr.Error, match="type a name"):
            demo.fns[find_event(demo, "predict_birthplace")].fn(name)


def test_plumbing_is_private(demo):
    public = [event.api_name for event in demo.fns.values() if event.api_visibility == "public"]
    assert "predict_birthplace" in public
    assert not {"answer", "fill_sentence", "show_coverage", "evaluate_file", "draw_name", "show_curves"} & set(public)


@pytest.mark.slow
def test_without_checkpoints_the_tab_says_how_to_make_one(tmp_path):
    from a3core.ui.demo import build_demo

    text = [block.value for block in build_demo(tmp_path).blocks.values() if isinstance(block, gr.Markdown)]
    assert any("python -m a3core pretrain" in value for value in text)
