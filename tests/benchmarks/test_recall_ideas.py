"""The benchmark of what else is known to help: its masked names, its averaged weights, its table."""

from __future__ import annotations

import random

import torch

from a3core.birthplace.data.corpora import Question
from a3core.birthplace.training.args import RecallArgs
from benchmarks import recall_ideas
from benchmarks.recall_ideas import LAST, MASKED, MEAN, PLAIN, LastNames, MaskedNames, ShuffledClauses

DOCUMENT = "Ada Smith. Ada Smith was born in Leeds."
QUESTION = Question("Where was Ada Smith born?", "Leeds")


def build(gpt, kind):
    return kind([DOCUMENT], [QUESTION], [], gpt.vocabulary, 128, RecallArgs(subwords=0))


def test_the_name_is_left_out_and_only_it_is_asked_for(build_gpt):
    gpt = build_gpt("□⁇" + "".join(sorted(set(DOCUMENT + QUESTION.question))), block_size=128)
    example = build(gpt, MaskedNames).build_more(DOCUMENT, "Ada Smith", random.Random(0))
    assert gpt.vocabulary.decode(example.ids) == "⁇. ⁇ was born in Leeds.⁇ Ada Smith⁇"
    asked = [i for i, is_asked in zip(example.ids, example.asked, strict=True) if is_asked]
    assert gpt.vocabulary.decode(asked) == " Ada Smith⁇"


def test_other_forms_are_recited_behind_their_names(build_gpt):
    gpt = build_gpt("□⁇," + "".join(sorted(set(DOCUMENT + QUESTION.question))), block_size=128)
    last = build(gpt, LastNames).build_more(DOCUMENT, "Ada Smith", random.Random(0))
    assert gpt.vocabulary.decode(last.ids) == "⁇Smith. Ada Smith was born in Leeds.⁇"
    assert last.asked == [False] * 6 + [True] * (len(last.ids) - 6)
    told = {
        gpt.vocabulary.decode(
            build(gpt, ShuffledClauses).build_more("Ada Smith in a, b", "Ada Smith", random.Random(i)).ids
        )
        for i in range(20)
    }
    assert told == {"⁇Ada Smith in a, b⁇", "⁇Ada Smithb,  in a⁇"}


def test_they_come_beside_what_is_read_anyway(build_gpt):
    gpt = build_gpt("□⁇" + "".join(sorted(set(DOCUMENT + QUESTION.question))), block_size=128)
    dataset = build(gpt, MaskedNames)
    counts = [len(dataset.examples(random.Random(seed))) for seed in range(20)]
    assert set(counts) == {1, 2, 3}  # the question; the document plainly, masked, or both


def test_weights_are_averaged_into_a_model_of_their_own(build_gpt):
    gpt = build_gpt("□⁇ab")
    one, other = recall_ideas.copy_weights(gpt), {n: t + 2 for n, t in recall_ideas.copy_weights(gpt).items()}
    mean = recall_ideas.load_weights(gpt, recall_ideas.average([one, other]))
    for (name, before), after in zip(gpt.state_dict().items(), mean.state_dict().values(), strict=True):
        torch.testing.assert_close(after, before + 1, msg=name)


def test_every_idea_is_told_beside_the_recipe():
    marks = {"right": [True, False], "exact": [False, False]}
    better = {"right": [True, True], "exact": [True, True]}
    said = recall_ideas.describe({(PLAIN, LAST): marks, (PLAIN, MEAN): better}, {PLAIN: 1234}, [MASKED])
    assert f"| {PLAIN} | 1,234 | {LAST} | 1 out of 2: 50.0%" in said
    assert "| 2 : 0, p = 0.5 |" in said and said.endswith(f"Not trained yet: {MASKED}.")
