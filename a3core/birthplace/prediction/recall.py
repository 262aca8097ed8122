"""Recalls before it answers: the sentence it read about the person, and a span of it as the place.

>>> RecallPredictor(model).predict(["where is ada smith from"])
[Prediction(place='Leeds', probability=0.98, sentence='Ada Smith. Ada Smith was born in Leeds .', span=(34, 39), ...)]

Nothing but the weights is read. `recall_decoding` writes the sentence and finds the place in it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

from a3core.birthplace.data.corpora import parse_name
from a3core.birthplace.model.gpt import GPT, continue_ids
from a3core.birthplace.model.vocabulary import MASK
from a3core.birthplace.prediction import recall_decoding
from a3core.birthplace.prediction.confidence import Confidence
from a3core.birthplace.prediction.direct import MAX_PLACE, encode_typed_answer, map_batches
from a3core.birthplace.prediction.familiarity import Calibration, score_recall
from a3core.birthplace.prediction.predictor import Continuation, Prediction, Predictor

BATCH = 32  # questions whose sentences are recalled together
INITIALS, NUMERALS = re.compile(r"\b\w"), re.compile(r"\b(Ii|Iii|Iv)\b")
SCOTTISH = re.compile(r"(?<=\bMc)[a-z]|(?<=\bMac)[a-z]")
PARTICLES = re.compile(r"(?<= )(Af|Al|Bin|Da|De|Del|Della|Der|Di|Dos|Du|El|Ibn|La|Le|Of|The|Van|Von|Y|Zu)(?= )")


class RecallPredictor(Predictor):
    """Its model recalls a sentence before it answers.

    confidence: gives P(the place is right) of an answer. calibration: gives P(the name was read) of its sentence.
    places: those that it was taught, from which it guesses where a sentence states none.
    """

    recalls = True

    def __init__(
        self,
        model: GPT,
        checkpoint: str = "",
        confidence: Confidence | None = None,
        calibration: Calibration | None = None,
        places: Sequence[str] = (),
    ):
        super().__init__(model, checkpoint)
        self.confidence, self.calibration, self.places = confidence, calibration, places
        self.no_answer = Prediction("", 0.0, "", 0.0, confidence=0.0 if confidence else None, checkpoint=checkpoint)

    def encode(self, question: str) -> list[list[int]]:
        """`⁇name` for each spelling of the name. Raises ValueError for one that is too long."""
        return [recall_decoding.build_recall_prompt(self.model, name) for name in self._spell(question)]

    def predict(self, questions: Sequence[str], *, top_k: int = 0) -> list[Prediction]:
        """An answer to each question or name, however it is typed. Raises ValueError for one that is too long.

        Where the case of a name is in doubt, the spelling wins whose sentence the model recalls most surely.
        """
        spellings = [self._spell(question) for question in questions]
        names = list(chain.from_iterable(spellings))
        prompts = list(chain.from_iterable(map(self.encode, questions)))

        def predict_batch(rows: list[int]) -> list[Prediction]:
            sentences = recall_decoding.recall_sentences(self.model, [prompts[i] for i in rows])
            return recall_decoding.answer_all(self.model, [names[i] for i in rows], sentences, top_k, self.places)

        answers = iter(map_batches(predict_batch, prompts, BATCH))  # of names of similar length
        return [self._choose(islice(answers, len(spelling))) for spelling in spellings]

    def _choose(self, answers: Iterable[Prediction]) -> Prediction:
        """The answer of the spelling that was recalled most surely, judged where that is calibrated."""
        answer = max(answers, key=lambda answer: answer.sentence_probability)
        familiarity = self.calibration and self.calibration.probability(*score_recall(answer))
        answer = replace(answer, checkpoint=self.checkpoint, familiarity=familiarity)
        return replace(answer, confidence=self.confidence and self.confidence.probability(answer))

    def stream(self, question: str, *, top_k: int = 0) -> Iterator[Prediction]:
        """The sentence as it grows, a whole word at a time, and last the answer of `predict`.

        Of several spellings it shows, after each word, the one that is surest up to there.
        """
        names, current = self._spell(question), ""
        for sentences in recall_decoding.recall_steps(self.model, self.encode(question)):
            name, surest = max(zip(names, sentences, strict=True), key=lambda pair: pair[1].log_probability)
            # a letter whose bytes are not all there is left out
            words = (name + self.model.vocabulary.decode(surest.ids).rstrip("\ufffd")).rpartition(" ")[0]
            if words != current:
                current = words
                yield Prediction("", 0.0, words, checkpoint=self.checkpoint, is_complete=False)
        yield self._choose(recall_decoding.answer_all(self.model, names, sentences, top_k, self.places))

    def answer_from(self, question: str, sentence: str, *, top_k: int = 0) -> Prediction:
        """The answer with this sentence in place of the model's own.

        Raises ValueError for a sentence that does not open with the name in the question, or is too long.
        """
        if (name := self._find_name(question, sentence)) is None:
            name = parse_name(question, self.model.question)
            raise ValueError(f"the sentence must open with the name, {name}: {sentence[:40]!r}")
        recalled = recall_decoding.score_sentence(self.model, name, sentence.removeprefix(name))
        return self._choose(recall_decoding.answer_all(self.model, [name], [recalled], top_k, self.places))

    def _spell(self, question: str) -> list[str]:
        return spell(parse_name(question, self.model.question))

    def _find_name(self, question: str, sentence: str) -> str | None:
        """The spelling of the name in the question with which the sentence opens."""
        return next((name for name in self._spell(question) if sentence.startswith(name)), None)

    def continue_text(self, text: str, limit: int, answer: str | None = None) -> Continuation:
        """`question⁇sentence⁇ place⁇`, from wherever the text ends; any other text goes on to its first mask.

        The sentence and the place are those of `predict`; behind a sentence that was typed, or begun, the place is that
        of `answer_from`.
        """
        vocabulary, mask_id = self.model.vocabulary, self.model.vocabulary.mask_id
        question, mask, opening = text.partition(MASK)
        if question.endswith("?") and not opening and not self.explain_unreadable(question):
            prediction = self.predict([question])[0]
            opening = "" if mask else self._find_name(question, prediction.sentence)
            prompt = vocabulary.encode(f"{question}{MASK}{opening}")
            sentence = [*vocabulary.encode(prediction.sentence.removeprefix(opening)), mask_id]
            reply = recall_decoding.encode_answer(self.model, prediction.place)
        else:
            prompt, sentence = vocabulary.encode(text), []
            # behind `question⁇opening`: a second mask would end the sentence, one in front open a plain one
            if prompt.count(mask_id) == 1 and prompt[0] != mask_id:
                ids, most = prompt[prompt.index(mask_id) :], limit - len(prompt) - MAX_PLACE
                sentence = continue_ids(self.model, ids, most, (mask_id, vocabulary.pad_id))
            reply = self._finish_text([*prompt, *sentence], limit)
        if answer:
            reply = encode_typed_answer(self.model, prompt + sentence, answer, " ")
        return Continuation(prompt, sentence, reply)

    def _finish_text(self, ids: list[int], limit: int) -> list[int]:
        """The place, behind `question⁇sentence⁇` about a name; behind any other text, what follows to the next mask."""
        vocabulary = self.model.vocabulary
        question, _, sentence = vocabulary.decode(ids).partition(MASK)
        is_pair = sentence.find(MASK) == len(sentence) - 1 and self._find_name(question, sentence) is not None
        if question and is_pair and not self.explain_unreadable(question):
            return recall_decoding.encode_answer(
                self.model, self.answer_from(question, sentence.removesuffix(MASK)).place
            )
        return continue_ids(self.model, ids, limit - len(ids), (vocabulary.mask_id, vocabulary.pad_id))


def spell(name: str) -> list[str]:
    """The ways in which a name may be spelt in the text: as it is typed, or a few if its case is in doubt.

    It is not where each word opens with a capital, and not all letters are capitals.

    >>> spell("willie mccovey"), spell("LOU DE LA CRUZ")
    (['Willie Mccovey', 'Willie McCovey'], ['Lou De La Cruz', 'Lou de la Cruz'])
    """
    if not name.isupper() and all(not word[0].isalpha() or word[0].isupper() for word in name.split()):
        return [name]
    titled = name.lower()
    for pattern in (INITIALS, NUMERALS):
        titled = pattern.sub(lambda match: match[0].upper(), titled)
    spellings = [titled, SCOTTISH.sub(lambda match: match[0].upper(), titled)]
    spellings += [PARTICLES.sub(lambda match: match[0].lower(), spelling) for spelling in spellings]
    typed = [] if name in (name.lower(), name.upper()) else [name]
    return list(dict.fromkeys([*typed, *spellings]))
