"""What if the recalled sentence were another? It is changed, and the model answers from what it now reads.

    >>> own = predictor.predict(["Where was Ada Smith born?"])[0]           # Ada Smith was born in Leeds in 1901 .
    >>> answer_changed(predictor, own, replace_place(own.sentence, "Leeds", "Oslo"))
    ChangedAnswer(picked='Oslo', written='Oslo', log_probability=-42.1, ...)

Two readers: the place that is picked from the sentence can only follow, for it is picked from what is there; the place
that the model writes behind the sentence may stay. A changed sentence has no confidence: that was fitted on sentences
that the model recalled itself.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from a3core.birthplace.data.spans import find_place
from a3core.birthplace.prediction import recall_decoding
from a3core.birthplace.prediction.direct import generate
from a3core.birthplace.prediction.predictor import Prediction
from a3core.birthplace.prediction.recall import RecallPredictor

INVENTED = ("Zorvel", "Blenkford", "Quistoria", "Marnach", "Velbruck", "Tolvagne")


@dataclass(frozen=True)
class ChangedAnswer:
    """What the model makes of a changed sentence."""

    sentence: str
    picked: str  # the best span of the sentence
    written: str  # what it writes behind the sentence, token by likeliest token
    log_probability: float  # that it recalls this sentence, in nats


def answer_changed(predictor: RecallPredictor, name: str, sentence: str) -> ChangedAnswer:
    """Both answers about a person from a sentence that opens with the name.

    Raises ValueError for one that opens otherwise, or is too long.
    """
    if not sentence.startswith(name):
        raise ValueError(f"the sentence must open with the name, {name}: {sentence[:40]!r}")
    model, body = predictor.model, sentence.removeprefix(name)
    recalled = recall_decoding.score_sentence(model, name, body)
    spans = recall_decoding.EncodedRecall(model, [name], [recalled]).score_spans(0, body, predictor.places)
    likeliest = recall_decoding.softmax_over_places([span.place for span in spans], [span.score for span in spans])
    picked = likeliest[0].place if likeliest else ""
    prompt = [*recall_decoding.encode_question(model, name), *recalled.ids, model.vocabulary.mask_id]
    ((written, _),) = generate(model, [prompt], model.vocabulary.mask_id)
    return ChangedAnswer(sentence, picked, written.strip(), recalled.log_probability)


def replace_place(sentence: str, place: str, other: str) -> str:
    """The sentence with another place wherever this one is named, as whole words; "" leaves it out."""
    return re.sub(r" {2,}", " ", re.sub(rf"(?<!\w){re.escape(place)}(?!\w)", lambda _: other, sentence))


def draw_place(places: Sequence[str], sentence: str, rng: random.Random) -> str:
    """A place that the sentence does not name. Raises ValueError where there is none."""
    drawn = rng.sample(list(places), len(places))
    free = next((place for place in drawn if find_place(sentence, place) is None), None)
    if free is None:
        raise ValueError("this model knows no other place")
    return free


def take_sentence(other: Prediction, other_name: str, name: str) -> str:
    """Another person's sentence, as if it were about this one."""
    return name + other.sentence.removeprefix(other_name)


# what takes the place's place: (sentence, known places, rng) -> another place, or "" for none
EDITS: dict[str, Callable[[str, Sequence[str], random.Random], str]] = {
    "another place": lambda sentence, known, rng: draw_place(known, sentence, rng),
    "an invented place": lambda sentence, known, rng: rng.choice(INVENTED),
    "no place": lambda sentence, known, rng: "",
}
