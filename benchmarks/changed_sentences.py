"""Does the answer follow when the recalled sentence is changed? All dev people whose sentence states their place.

    python -m benchmarks.changed_sentences course checkpoints/recall
    python -m benchmarks.changed_sentences builtin:1000 checkpoints/builtin-recall checkpoints/builtin-recall-no-swap

Of the place that is picked from the sentence, and of the place that the model writes behind it: how many follow the
change, and how many stay with the old place. The dev answers only say which place is the old one.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path

from a3core.birthplace.checkpoints import load_predictor
from a3core.birthplace.data.corpora import Corpus
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.data.spans import find_place
from a3core.birthplace.prediction.changed_sentence import EDITS, answer_changed, replace_place, take_sentence
from a3core.birthplace.prediction.recall import RecallPredictor
from a3core.common.atomic_io import atomic_write
from a3core.common.stats import wilson_interval
from a3core.ui.birthplace.panels import MEASURED
from benchmarks.report import table, write_section

OWN, ANOTHERS = "its own sentence", "somebody else's sentence"


def measure(predictor: RecallPredictor, corpus: Corpus) -> tuple[int, dict[str, dict[str, list[int]]]]:
    """(people, edit -> reader -> how many follow, how many stay)."""
    answers = predictor.predict([question.question for question in corpus.dev])
    pairs = zip(answers, corpus.dev, strict=True)
    stated = [(answer, question) for answer, question in pairs if find_place(answer.sentence, question.place)]
    places, rng = sorted({question.place for question in corpus.train}), random.Random(0)
    counted = {}
    for edit in (OWN, *EDITS, ANOTHERS):
        counts = counted[edit] = {"picked": [0, 0], "written": [0, 0]}
        for i, (answer, question) in enumerate(stated):
            old, new = question.place, None
            if edit == OWN:
                sentence = answer.sentence
            elif edit == ANOTHERS:
                other, others = stated[(i + 1) % len(stated)]
                sentence, new = take_sentence(other, others.name, question.name), others.place
            else:
                new = EDITS[edit](answer.sentence, places, rng)
                sentence = replace_place(answer.sentence, old, new)
            changed = answer_changed(predictor, question.name, sentence)
            for reader, count in counts.items():
                place = getattr(changed, reader)
                count[0] += bool(new) and place == new
                count[1] += place == old
    return len(stated), counted


def describe(counts: Sequence[int], total: int, edit: str) -> str:
    """ "95.0 [92.6, 96.6] / 0.0 [0.0, 0.8]": per cent that follow, and that stay."""
    shares = [(100 * count / total, *(100 * end for end in wilson_interval(count, total))) for count in counts]
    parts = [f"{share:.1f} [{low:.1f}, {high:.1f}]" for share, low, high in shares]
    return parts[1] if edit in (OWN, "no place") else " / ".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", help="builtin:N, or course ($BIRTHPLACE_DATA)")
    parser.add_argument("checkpoints", type=Path, nargs="+", help="recall checkpoints")
    flags = parser.parse_args()
    corpus, parts = load_corpus(flags.corpus), []
    follows_by_model = {}  # for the page
    for folder in flags.checkpoints:
        people, counted = measure(load_predictor(folder), corpus)
        follows = {edit: {reader: count[0] for reader, count in own.items()} for edit, own in counted.items()}
        follows_by_model[folder.name] = {"people": people, "edits": follows}
        rows = [(edit, *(describe(count, people, edit) for count in own.values())) for edit, own in counted.items()]
        head = ["the sentence", "picked: follow / stay, %", "written: follow / stay, %"]
        parts.append(f"`{folder.name}`, {people} dev people whose sentence states the place:\n\n{table(head, rows)}")
    measured = json.loads(MEASURED.read_text(encoding="utf-8")) | {corpus.name: follows_by_model}
    with atomic_write(MEASURED) as partial:
        partial.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    note = "For its own sentence, and for one without a place, only the share that stays is given. Wilson, 95 %."
    name = f"changed-sentences-{corpus.name.partition(':')[0]}"
    command = f"python -m benchmarks.changed_sentences {flags.corpus} {' '.join(map(str, flags.checkpoints))}"
    write_section(name, "Does the answer follow a changed sentence?", command, "\n\n".join([*parts, note]))


if __name__ == "__main__":
    main()
