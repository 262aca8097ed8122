"""How to read and train: dataclasses that a training obeys, the command line offers, and a checkpoint remembers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from a3core.birthplace.data.corpora import BIRTHPLACE

SMALL = {"n_layer": 3, "n_head": 4, "n_embd": 128}  # arguments of a `GPT` with a fifth of the shipped ones' parameters
WRITTEN = "The answer is {answer}."  # behind the name, where a file has no sentences: a statement, not the question
OWN = "yours to state"  # the licence of a file that names none


def option(default, meaning: str):
    """A field with its one line of meaning, which the command line offers as its help."""
    return field(default=default, metadata={"help": meaning})


@dataclass(frozen=True)
class TrainingArgs:
    """Raises ValueError for values that contradict themselves."""

    epochs: int = option(60, "Passes over the documents or questions.")
    matrix_rate: float = option(0.02, "Peak learning rate of Muon, for the hidden matrices.")
    rate: float = option(4e-3, "Peak learning rate of AdamW, for embeddings, head and norms.")
    tokens: int = option(4096, "Characters, or sub-words, in a batch.")
    warmup: float = option(0.02, "Share of the training over which the rates rise.")
    decay: float = option(0.7, "Share of the training, at its end, over which the rates fall to 0.")
    seed: int = option(0, "Of the weights, the order and the spans.")
    bf16: bool = option(True, "bf16 mixed precision where the hardware has it.")
    compile: bool = option(False, "torch.compile: slower to start, then 1.5x as fast; needs a C++ compiler.")
    save_every: int = option(10, "Epochs between two states that a killed run resumes from.")

    def __post_init__(self):
        if self.epochs < 1 or self.tokens < 1024 or self.save_every < 1:
            raise ValueError(f"epochs and save_every are at least 1, tokens at least 1024, not {self}")
        if not (0 < self.warmup <= 1 and 0 < self.decay <= 1):
            raise ValueError(f"warmup and decay are shares in (0, 1], not {self.warmup} and {self.decay}")
        if not (self.rate > 0 and self.matrix_rate > 0):
            raise ValueError(f"learning rates are above 0, not {self.rate} and {self.matrix_rate}")


@dataclass(frozen=True)
class RecallArgs:
    """What a model reads that recites before it answers. Raises ValueError for values that contradict themselves."""

    subwords: int = option(1344, "Size of the sub-word vocabulary; 0: characters.")
    swap: float = option(0.4, "Share of the train sentences whose place is swapped for another.")
    plain: float = option(0.5, "Share of the train people's sentences that are read plainly as well.")
    questions: int = option(0, "Train questions shown, the first so many; 0: all.")
    recite: bool = option(True, "Recite before answering; --no-recite is the control that answers at once.")

    def __post_init__(self):
        if not all(0 <= share <= 1 for share in (self.swap, self.plain)):
            raise ValueError(f"swap and plain are shares in [0, 1], not {self}")
        if self.subwords < 0 or self.questions < 0:
            raise ValueError(f"subwords and questions are at least 0, not {self}")


@dataclass(frozen=True)
class FactsFormat:
    """How to read a table of facts. Raises ValueError without {name} or {answer}, and for shares outside [0, 0.9]."""

    question: str = option(BIRTHPLACE, "Of a file of facts: how it is asked, with {name} in it.")
    name_column: str = option("name", "Of a file of facts: its column of names.")
    answer_column: str = option("answer", "Of a file of facts: its column of answers.")
    sentence_column: str = option("sentence", "Of a file of facts: its column of sentences; it may be missing.")
    templates: list[str] | None = field(
        default=None,
        metadata={"help": f"Without sentences: one with {{answer}}, behind the name; repeatable. Default: {WRITTEN}"},
    )
    hold_out_share: float = option(0.2, "Of a file of facts: the share of names whose answers are never shown.")
    questions_file: str = option("", "Of a file of facts: a second table, with the names whose answers are held out.")
    licence: str = option(OWN, "Of a file of facts, for the model card.")
    source: str = option("", "Of a file of facts, for the model card: where they come from.")

    def __post_init__(self):
        for template in self.templates or []:
            if "{answer}" not in template:
                raise ValueError(f"a template needs {{answer}}: {template!r}")
        if "{name}" not in self.question:
            raise ValueError(f"the question needs {{name}} where the name belongs: {self.question!r}")
        if not 0 <= self.hold_out_share <= 0.9:
            raise ValueError(f"the share that is held out is from 0 to 0.9, not {self.hold_out_share}")


class SizedArgs(NamedTuple):
    """How to train on so many people, and how large a model: `shape` has arguments of `GPT`."""

    training: TrainingArgs
    recall: RecallArgs
    shape: Mapping[str, int] | None = SMALL
    probes: int = 20  # times that a training on the page measures the model on the way


def choose_args(people: int) -> SizedArgs:
    """A small model, which learns up to a thousand people in minutes, or the shipped one's recipe for more.

    Chosen by trials: most dev people are recalled by the end. Fewer epochs suffice where an epoch has more steps.
    """
    for most, epochs in ((200, 60), (500, 50), (1000, 40)):
        if people <= most:
            return SizedArgs(TrainingArgs(epochs=epochs, tokens=1024), RecallArgs(subwords=768))
    return SizedArgs(TrainingArgs(epochs=40), RecallArgs(), None)
