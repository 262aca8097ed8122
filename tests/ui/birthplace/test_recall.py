"""The Birthplace tab with a checkpoint that recites: the sentence grows, then the answer is marked in it."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import gradio as gr
import pytest
from taught import DOCUMENTS

from a3core.birthplace.data.loading import HELD_OUT, KnownPerson
from a3core.birthplace.prediction.changed_sentence import INVENTED
from a3core.birthplace.prediction.confidence import Confidence
from a3core.birthplace.prediction.predictor import Candidate, Prediction
from a3core.birthplace.service import BASELINE, Reply
from a3core.ui.birthplace.cards import render_reply
from a3core.ui.birthplace.panels import PLACE_EDITS, render_shares

FAMILY = "builtin:10"
SENTENCE = "Ada <Smith> was born in Leeds ."
DIRECT = Prediction("York", 0.4, checkpoint="direct", seconds=0.01)
RECALLED = Prediction(
    "Leeds", 0.98, SENTENCE, 0.52, (24, 29), confidence=0.93, familiarity=0.9, checkpoint="recall", seconds=0.04
)
LONDON = Prediction("London", 1.0, checkpoint=BASELINE)
REPLY = Reply("Ada <Smith>", KnownPerson("Ada <Smith>", "Leeds", HELD_OUT), 0.9, (DIRECT, RECALLED, LONDON), True)


def test_the_answer_is_marked_in_its_sentence():
    html = render_reply(REPLY)
    assert "Ada &lt;Smith&gt; was born in <mark>Leeds</mark> ." in html
    for told in ("<b>Fairly sure: 93 %</b>", "<b>0.52</b>", "<b>40 ms</b>", "✓ right", "✗ wrong", "York"):
        assert told in html, told
    assert html.index("Recalls first") < html.index(">direct<") < html.index(BASELINE)
    assert 'aria-busy="false"' in html and "somebody else" not in html and "<Smith>" not in html


@pytest.mark.parametrize(("likeliest", "is_explained"), [("Leeds", True), ("York", False)])
def test_an_answer_that_is_not_the_likeliest_place_is_explained(likeliest, is_explained):
    answer = replace(DIRECT, top=(Candidate(likeliest, 0.5), Candidate("York", 0.4)))
    html = render_reply(replace(REPLY, answers=(answer, RECALLED, LONDON)))
    assert ("Written letter by letter: another place can be likelier as a whole." in html) is is_explained


def test_a_model_that_cannot_read_the_name_says_so_on_its_own_card():
    refused = Prediction("", 0.0, checkpoint="characters <x>", refusal="the model never read '李' & co")
    html = render_reply(replace(REPLY, answers=(refused, RECALLED, LONDON)))
    assert (
        "characters &lt;x&gt;" in html
        and "It cannot read this name: the model never read &#39;李&#39; &amp; co." in html
    )
    assert html.count("(no answer)") == 1 and ">Leeds</mark>" in html and html.count("✓ right") == 1


def test_while_it_recites_nothing_is_answered():
    growing = replace(RECALLED, place="", sentence="Ada <Smith> was", span=None, is_complete=False)
    html = render_reply(replace(REPLY, familiarity=None, answers=(DIRECT, growing), is_complete=False))
    assert "Ada &lt;Smith&gt; was ▍" in html and "<mark" not in html and 'aria-busy="true"' in html
    assert "York" in html and "Leeds</span>" not in html


@pytest.mark.parametrize(
    ("named", "recited", "says"),
    [
        (0.1, 0.2, "Somebody else’s sentence, or one made up"),
        (0.1, None, "Somebody else’s sentence, or one made up"),
        (None, 0.1, "Somebody else’s sentence, or one made up"),
    ],
)
def test_an_unread_name_is_said_beside_the_sentence(named, recited, says):
    html = render_reply(replace(REPLY, familiarity=named, answers=(replace(RECALLED, familiarity=recited), LONDON)))
    assert says in html and says not in render_reply(REPLY)
    assert '<mark class="guess">' in html  # no yellow: the model does not remember it


def test_the_card_never_contradicts_the_head():
    """Head and warning are one judgement; a share of 98 % beside "guessing" is none."""
    html = render_reply(replace(REPLY, familiarity=0.9, answers=(replace(RECALLED, familiarity=0.1), LONDON)))
    assert "Made up." not in html and "somebody else" not in html.casefold()
    guessing = render_reply(replace(REPLY, answers=(replace(RECALLED, confidence=0.06), LONDON)))
    assert "<b>Guessing: 6 %</b>" in guessing and "98" not in guessing


def test_a_sentence_that_states_no_place_is_said_to_state_none():
    guess = replace(RECALLED, place="York", span=None, is_stated=False)
    html = render_reply(replace(REPLY, answers=(guess, LONDON)))
    assert "The sentence does not state it; a guess:" in html and "<mark" not in html and ">York</span>" in html
    assert "does not state it" not in render_reply(REPLY)


def test_what_is_not_known_is_not_told():
    plain = replace(RECALLED, confidence=None, familiarity=None, span=None, place="")
    html = render_reply(replace(REPLY, familiarity=None, answers=(plain, LONDON)))
    assert (
        "(nothing)" in html
        and "that the place is right" not in html
        and "<mark" not in html
        and "omebody else" not in html
    )


def test_a_recitation_without_an_end_is_cut():
    endless = replace(RECALLED, sentence=SENTENCE + "ush" * 400)
    html = render_reply(replace(REPLY, answers=(endless, LONDON)))
    assert html.count("ush") < 200 and "without an end" in html and ">Leeds</mark>" in html
    late = replace(RECALLED, sentence="ush" * 400 + " Leeds and on", span=(1201, 1206))
    assert ">Leeds</mark>" in render_reply(replace(REPLY, answers=(late, LONDON)))


def test_without_a_recitation_the_cards_stand_as_before():
    html = render_reply(replace(REPLY, answers=(DIRECT, LONDON)))
    assert "a3-hero" not in html and "blockquote" not in html


@pytest.fixture(scope="module")
def page(tmp_path_factory, build_gpt):
    """A page whose one checkpoint recites, at random."""
    from a3core.birthplace.checkpoints import Training, save_checkpoint
    from a3core.birthplace.model.vocabulary import build_subwords
    from a3core.birthplace.prediction.recall import RecallPredictor
    from a3core.birthplace.training.trainer import Epoch, write_curve
    from a3core.ui.demo import build_demo

    root = tmp_path_factory.mktemp("recall")
    merges = build_subwords(["Where was Stan Musial born? Stan Musial was born in Donora ."] * 3, 330)
    models = (build_gpt(merges.text, block_size=128, tied=True, tagged=True, seed=seed) for seed in range(50))
    wordy = lambda model: RecallPredictor(model).predict(["Stan Musial"])[0].sentence.count(" ") > 4  # noqa: E731
    model = next(filter(wordy, models))
    facts = Training("recall", FAMILY, "a table", "0" * 64, "a command", {"subwords": 330}, 1, 200, 9.0, "a machine")
    save_checkpoint(model, root / "recall", facts)
    write_curve(root / "recall", [Epoch(1, 3.0, 1.0, 100, 4.0), Epoch(2, 2.0, 0.0, 200, 9.0)])
    Confidence(-1.0, (0.5, 0.5, 0.1), ((0.9, True), (0.2, False))).save(root / "recall")
    return build_demo(root)


def run(page, name: str, *inputs):
    event = next(event for event in page.fns.values() if getattr(event.fn, "__name__", "") == name)
    return event.fn(*inputs)


@pytest.mark.slow
def test_the_sentence_grows_word_by_word(page):
    *growing, last = run(page, "answer", "Stan Musial", FAMILY)
    cards = [unescape(next(iter(update.values()))) for update in growing]
    sentences = [re.sub("<[^>]*>", "", card.split("<blockquote>")[1]).split(" ▍")[0] for card in cards if "▍" in card]
    assert len(sentences) > 2 and sentences[0].startswith("Stan") and sentences == sorted(sentences, key=len)
    assert "▍" not in cards[-1] and 'aria-busy="false"' in next(iter(last.values()))


@pytest.mark.slow
def test_the_endpoint_tells_sentence_and_confidence(page):
    row, london = page("Stan Musial", api_name="predict_birthplace")
    assert row["recalled_sentence"].startswith("Stan Musial") and 0 <= row["confidence"] <= 1
    assert (london["recalled_sentence"], london["confidence"]) == (None, None)


def test_accuracy_against_coverage_is_drawn_and_tabled(page):
    picture, table = run(page, "show_coverage", FAMILY)
    assert picture.visible and "<td>1 of 2: 50.0%</td>" in table


def test_curves_count_in_sub_words(page):
    curves, facts = run(page, "show_curves", FAMILY)
    assert "sub-words asked for" in str(curves.value) and "loss (nats a sub-word)" in str(curves.value)
    assert "<td>sub-words</td>" in facts


def test_a_family_that_was_not_pretrained_cannot_fill_spans(page):
    import gradio as gr

    with pytest.raises(gr.Error, match="no checkpoint of this family was pretrained"):
        run(page, "fill_sentence", "Babe Ruth was born in ___.", FAMILY)


@pytest.fixture(scope="module")
def taught_page(taught, tmp_path_factory):
    """Its model has five people by heart."""
    from a3core.birthplace.checkpoints import Training, save_checkpoint
    from a3core.ui.demo import build_demo

    root = tmp_path_factory.mktemp("taught")
    facts = Training("recall", FAMILY, "a table", "0" * 64, "a command", {"subwords": 330}, 1, 200, 9.0, "a machine")
    save_checkpoint(taught, root / "recall", facts)
    save_checkpoint(taught, root / "no-swap", replace(facts, args={"subwords": 330, "swap": 0}))
    return build_demo(root)


@pytest.mark.slow
def test_the_sentence_is_recalled_changed_and_answered_from(taught_page):
    sentence, old = run(taught_page, "recall_sentence", "where was ada smith born?", FAMILY)
    assert sentence == DOCUMENTS[0] and "<table" not in old  # answers from the sentence before are gone
    changed = sentence.replace("Leeds", "<b>Rome</b>")
    html = run(taught_page, "answer_from_sentence", "ada smith", FAMILY, changed)
    assert "picked from the sentence" in html and "written by the model" in html and "No confidence" in html
    assert "<td>Leeds</td>" in html and "Rome" in html and "<b>" not in html
    assert re.search(r"nats</td><td>-0\.\d</td>\s*<td>-\d+\.\d</td>", html)
    assert html.count("<th>recall</th>") == 1 and html.count("<th>no-swap</th>") == 1  # the control answers, too


@pytest.mark.slow
def test_the_control_is_asked_about_a_changed_sentence_only(taught_page):
    rows = taught_page("Ada Smith", api_name="predict_birthplace")
    assert [row["checkpoint"] for row in rows] == ["recall", BASELINE]


def test_the_measured_shares_are_those_of_the_family():
    counts = {edit: {"picked": 10, "written": 5} for edit in PLACE_EDITS}
    html = render_shares("a", {"a": {"<i>": {"people": 10, "edits": counts}}})
    assert "100.0 [72.2, 100.0]" in html and "50.0 [23.7, 76.3]" in html and "<i>" not in html
    assert render_shares("b", {"a": {}}) == ""


def test_each_change_of_the_sentence_is_one_button(taught_page):
    events = taught_page.fns.values()
    changes = [event for event in events if getattr(event.fn, "__name__", "") == "change_sentence"]
    another, invented, none, others = (each.fn("Ada Smith", FAMILY, each.inputs[-1].value) for each in changes)
    assert "Leeds" not in another + none and any(f"born in {place} in" in invented for place in INVENTED)
    assert all(text.startswith("Ada Smith was born in") for text in (another, invented, none))
    assert others.startswith("Ada Smith")


def test_somebody_else_is_one_whose_name_the_model_can_read(taught_page, monkeypatch):
    monkeypatch.setattr("random.sample", lambda names, count: sorted(names, key=len, reverse=True)[:count])
    events = taught_page.fns.values()
    *_, change = [event for event in events if getattr(event.fn, "__name__", "") == "change_sentence"]
    assert change.fn("Ada Smith", FAMILY, change.inputs[-1].value).startswith("Ada Smith")


@pytest.mark.parametrize(
    ("text", "sentence", "message"),
    [
        ("", "Ada Smith.", "type a name"),
        ("Ada Smith", "", "must open with the name"),
        ("Ada Smith", "Bo.", "must open"),
    ],
)
def test_a_sentence_about_nobody_is_one_clear_sentence(taught_page, text, sentence, message):
    with pytest.raises(gr.Error, match=message):
        run(taught_page, "answer_from_sentence", text, FAMILY, sentence)
