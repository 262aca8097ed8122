"""The finished examples that the sections of the Birthplace tab open on, by the shipped checkpoints.

    python -m assets.make_birthplace_examples               birthplace_example.json and birthplace_sections.json,
                                                            own_facts_example.csv
    python -m assets.make_birthplace_examples --train       training_example.json as well: 200 people are learned

The sections' results are markup, as the page writes it. Facts of one's own are where the best-known people of the
built-in table died.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data.builtin import build_facts, load_people
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.file_evaluation import FileEvaluation
from a3core.birthplace.json_files import save_json
from a3core.birthplace.prediction.changed_sentence import replace_place
from a3core.birthplace.service import BirthplaceService, Reply
from a3core.birthplace.training.live import LiveTraining
from a3core.birthplace.training.snapshot import TrainingSnapshot
from a3core.common.paths import CHECKPOINTS
from a3core.ui.birthplace import panels
from a3core.ui.birthplace.families import FACTS, FAMILY, FILE, PERSON, SECTIONS, TRAINING, name_family

OTHER_PLACE = "Chicago"
FACTS_SHOWN, PEOPLE = 150, 200


def build_example() -> Reply:
    """The reply as the shipped checkpoints give it today."""
    service = BirthplaceService(CheckpointStore(CHECKPOINTS))
    service.ask(PERSON, FAMILY)  # the second time is as fast as a visitor's question: the models are loaded
    return service.ask(PERSON, FAMILY)


def save_example(reply: Reply, path: Path = FILE) -> None:
    """Writes what `example.load_example` reads."""
    save_json(asdict(reply), path, ensure_ascii=False, indent=1)


def build_sections() -> dict:
    """What `example.load_section` gives, by section, and the checkpoints that made it."""
    service = BirthplaceService(CheckpointStore(CHECKPOINTS))
    checkpoints = service.checkpoints
    sentence = panels.list_sentences(FAMILY)[0]
    *_, own = panels.recall_own(service, PERSON, FAMILY)
    changed = replace_place(own.sentence, own.place, OTHER_PLACE)
    evaluation = FileEvaluation(load_corpus(FAMILY).dev, checkpoints, FAMILY)
    for _ in evaluation.run():
        pass
    status = f"An example: the people whose answers no training had. {evaluation.describe()} {name_family(FAMILY)}."
    return {
        "models": sorted(checkpoints.of(FAMILY)),
        "memory": {"sentence": sentence, "result": panels.render_filled(checkpoints, sentence, FAMILY)},
        "change": {
            "question": PERSON,
            "sentence": changed,
            "result": panels.answer_by_all(service, FAMILY, PERSON, changed),
        },
        "file": {"status": status, **panels.render_evaluation(evaluation)},
    }


def write_facts(path: Path) -> None:
    """The first people of the table whose place of death is known."""
    known = [person for person in load_people() if person.death_place][:FACTS_SHOWN]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("name", "answer", "sentence"))
        for person in known:
            sentence = f"{person.name}, once {build_facts(person)['a_role']}, died in {person.death_place}."
            writer.writerow((person.name, person.death_place, sentence))


def watch_training() -> TrainingSnapshot:
    """As the page trains; a minute and a half on two idle cores."""
    with tempfile.TemporaryDirectory() as folder:
        live = LiveTraining(CheckpointStore(Path(folder)))
        live.start("example", PEOPLE)
        live.wait()
    return live.snapshot


def save_training(snapshot: dict, path: Path) -> None:
    """Four digits of each number are enough for a picture."""
    save_json(
        json.loads(json.dumps(snapshot), parse_float=lambda text: round(float(text), 4)), path, ensure_ascii=False
    )


if __name__ == "__main__":
    save_example(build_example())
    save_json(build_sections(), SECTIONS, ensure_ascii=False, indent=1)
    write_facts(FACTS)
    if "--train" in sys.argv:
        save_training(asdict(watch_training()), TRAINING)
