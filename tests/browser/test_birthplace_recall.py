"""The Birthplace tab in a real browser, with a checkpoint that recites: it is taught five people first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from a3core.birthplace.checkpoints import Training, save_checkpoint
from a3core.birthplace.data.corpora import Corpus, Question, build_question
from a3core.birthplace.model.vocabulary import build_subwords
from a3core.birthplace.prediction.confidence import Confidence
from a3core.birthplace.prediction.familiarity import Calibration
from a3core.birthplace.training.args import RecallArgs, TrainingArgs
from a3core.birthplace.training.recipes import RecallTraining
from a3core.birthplace.training.trainer import train, write_curve

pytestmark = pytest.mark.slow

PLACES = {"Ada Smith": "Leeds", "Zoe Ek": "Paris", "Bo Marsh": "Rome", "Cleo Ray": "York", "Dan Fox": "Oslo"}
DOCUMENTS = tuple(f"{name} was born in {place} in 19{i}1 ." for i, (name, place) in enumerate(PLACES.items()))
WATCH = """() => {
    window.seen = [];
    new MutationObserver(() => {
        const text = document.querySelector('.a3-hero blockquote')?.textContent;
        if (text && window.seen.at(-1) !== text) window.seen.push(text);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


@pytest.fixture(scope="module")
def address(build_gpt, start_app, tmp_path_factory):
    """The app with a tiny checkpoint that has five people by heart, and one that answers at once."""
    questions = tuple(Question(build_question(name), place) for name, place in PLACES.items())
    corpus = Corpus("builtin:10", DOCUMENTS, questions, (), (), "a table", "0" * 64)
    merges = build_subwords([*DOCUMENTS, build_question("")] * 3, 330)
    model = build_gpt(merges.text, block_size=128, n_layer=2, n_embd=48, tied=True, tagged=True, std=0.05).train()
    args, recall = TrainingArgs(epochs=150, tokens=1024, save_every=150, rate=0.01, warmup=0.1), RecallArgs(swap=0.3)
    root = tmp_path_factory.mktemp("checkpoints")
    curve = list(
        train(model, RecallTraining(recall).build_dataset(corpus, model), args, tmp_path_factory.mktemp("run"))
    )
    facts = Training("recall", "builtin:10", "a table", "0" * 64, "a command", {"subwords": 330}, 1, 200, 9.0, "here")
    save_checkpoint(model.eval(), root / "recall", facts)
    direct = build_gpt(merges.text, block_size=128, tied=True)
    save_checkpoint(direct, root / "direct", replace(facts, stage="direct"))
    for name in ("recall", "direct"):
        write_curve(root / name, curve)
    Confidence(-1.0, (0.5, 0.5, 0.1), ((0.9, True), (0.2, False))).save(root / "recall")
    Calibration(1.0, -25.0, 0.95, 10).save(root / "recall")  # every name is judged unread
    with start_app("--checkpoints", str(root)) as address:
        yield address


def ask(page, text: str) -> None:
    box = page.get_by_label("Name or question")
    box.fill(text)
    box.press("Enter")


def test_the_sentence_appears_word_by_word_then_the_answer_in_it(open_page):
    page = open_page()
    page.evaluate(WATCH)
    ask(page, "ada smith")
    page.locator(".a3-hero mark", has_text="Leeds").wait_for()
    seen = page.evaluate("window.seen")
    assert len(seen) > 3 and seen[-1] == DOCUMENTS[0]
    for text in seen[:-1]:
        assert text.endswith(" ▍") and DOCUMENTS[0].startswith(text.removesuffix(" ▍")), text
    card = page.locator(".a3-hero")
    for told in ("that the place is right", "ure: ", "probability of the sentence"):
        assert told in card.inner_text(), told
    assert page.locator(".a3-card", has_text="direct").count() and page.locator("section[aria-busy=false]").count()
    page.locator(".a3-top5 i").first.wait_for()


def test_an_unread_name_is_called_made_up_beside_the_sentence(open_page):
    page = open_page()
    ask(page, "Zoe Fox")
    page.locator(".a3-hero", has_text="Somebody else’s sentence, or one made up").wait_for()


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "<i>Bo</i>"])
def test_a_recited_name_is_never_markup(open_page, text):
    page = open_page()
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
    ask(page, text)
    page.locator("section[aria-label=Answers][aria-busy=false], .a3-error").first.wait_for()
    assert page.locator("section[aria-label=Answers] img, section[aria-label=Answers] i:text('Bo')").count() == 0


def test_accuracy_against_coverage_appears_when_opened(open_page, open_tab):
    page = open_page()
    open_tab(page, "When it does not know")
    page.locator(".js-plotly-plot .scatterlayer .trace").first.wait_for()
    page.get_by_text("1 of 2: 50.0%").first.wait_for()


def test_dark_and_narrow_pages_do_not_scroll_sideways(open_page, list_overflows):
    page = open_page(dark=True, width=360)
    ask(page, "Zoe Ek")
    page.locator(".a3-hero mark").wait_for()
    assert page.evaluate("document.body.classList.contains('dark')")
    assert list_overflows(page) == {}
