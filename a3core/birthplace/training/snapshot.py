"""A training at one moment, as the page shows it and the shipped example has it; no PyTorch is needed to read it."""

from dataclasses import dataclass

from a3core.birthplace.evaluation import Accuracy

IDLE, PREPARING, RUNNING, PAUSED = "idle", "preparing", "running", "paused"
FINISHED, STOPPED, FAILED = "finished", "stopped", "failed"


@dataclass(frozen=True)
class Epoch:
    """One row of training.csv."""

    epoch: int
    loss: float  # nats a character or sub-word, of recall models with the tags' loss; mean over the epoch's batches
    rate: float  # share of the peak rates at its last batch
    tokens: int  # characters or sub-words asked for so far, pads left out
    seconds: float  # of training so far, over all resumptions


@dataclass(frozen=True)
class Recited:
    """What the model recalls about one person, and what is true."""

    name: str
    sentence: str
    truth: str  # the document that it has read
    place: str
    gold_answer: str

    @property
    def exact(self) -> bool:
        """Whether the sentence is the document word for word."""
        return self.sentence.strip() == self.truth.strip()


@dataclass(frozen=True)
class HeadOnName:
    """The head with the most weight on the name while the model writes the sentence about one person.

    weights[q][k]: how much it looks at token k of the prompt when it writes token q of the sentence; the last column
    is all that was written before. Rows sum to one.
    """

    layer: int
    head: int
    share: float  # of its weight that lies on the name, mean over the tokens written
    prompt: tuple[str, ...]  # the mask, and the tokens of the name
    on_name: tuple[bool, ...]  # which of them are the name
    written: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    shares: tuple[tuple[float, ...], ...]  # of every head: shares[layer][head]


@dataclass(frozen=True)
class Probe:
    """The model after one epoch."""

    epoch: int
    recited: tuple[Recited, ...]
    exact: Accuracy  # recited word for word
    right: Accuracy  # answered right
    head: HeadOnName


@dataclass(frozen=True)
class TrainingSnapshot:
    """The state of a training at one moment."""

    state: str = IDLE
    number: int = 0  # of the training, counted since the app started
    version: int = 0  # rises whenever anything changes
    owner: str | None = None  # the page that may pause and stop it
    people: int = 0
    parameters: int = 0
    epochs: int = 0  # that it will take
    curve: tuple[Epoch, ...] = ()  # of the epochs done
    share: float = 0.0  # of all steps that are done, while there is no epoch
    probes: tuple[Probe, ...] = ()
    seconds: float = 0.0  # of training and probing so far, without pauses
    name: str | None = None  # of the result among the checkpoints
    error: str = ""  # why it failed, or stopped by itself
    unit: str = "people"  # what is learned about; "names" of facts of one's own

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.curve)

    @property
    def active(self) -> bool:
        """Whether a training holds the one slot that there is: no other can start."""
        return self.state in (PREPARING, RUNNING, PAUSED)

    @property
    def seconds_left(self) -> float | None:
        """At the speed so far; None before the first step."""
        done = self.epoch / self.epochs if self.epoch else self.share
        return self.seconds / done * (1 - done) if done else None
