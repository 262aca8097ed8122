"""Retrieval: which k demonstrations of a pool a question gets, and their order in the prompt.

retriever = Retriever(pool, encoder, embed_corpus(encoder, pool.questions))
chosen = retriever.select("Which river flows through Vienna?", Selection("nearest", k=8))
chosen.neighbours                                  in the order of the prompt: the nearest last
chosen.left_out                                    what the leakage guard held back, and why
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from a3core.fewshot.encoder import Encoder
from a3core.fewshot.index import FUSED_DEPTH, BM25Index, DenseIndex, Hit, PoolMap, mmr_select, reciprocal_rank_fusion
from a3core.fewshot.leakage import Leak, LeakageGuard
from a3core.fewshot.pools import Demonstration, Pool
from a3core.fewshot.scoring import is_same_answer, normalize_answer

MOST_DEMONSTRATIONS = 32
METHODS = ("random", "nearest", "mmr", "bm25", "hybrid")
ORDERS = ("nearest last", "nearest first", "shuffled")
LONGEST_QUESTION = 10_000  # characters


@dataclass(frozen=True)
class Selection:
    """How demonstrations are chosen; each field is an option of the command line."""

    method: str = "nearest"  # one of METHODS
    k: int = 8  # demonstrations, 0 to 32
    order: str = "nearest last"  # one of ORDERS; what is read last weighs most
    seed: int = 0  # of random selection and of shuffling
    mmr_weight: float = 0.5  # lambda: 1 is nearest, less asks for demonstrations that differ from each other
    guard: bool = True  # leave out pool questions that are the query, or nearly so
    hide_answer: bool = False  # leave out demonstrations whose answer is one of the query's gold answers

    def __post_init__(self):
        if self.method not in METHODS:
            raise ValueError(f"selection is one of {', '.join(METHODS)}, not {self.method!r}")
        if self.order not in ORDERS:
            raise ValueError(f"order is one of {', '.join(ORDERS)}, not {self.order!r}")
        if not 0 <= self.k <= MOST_DEMONSTRATIONS:
            raise ValueError(f"k goes from 0 to {MOST_DEMONSTRATIONS}, not {self.k}")
        if not 0 <= self.mmr_weight <= 1:
            raise ValueError(f"the weight of MMR goes from 0 to 1, not {self.mmr_weight}")


@dataclass(frozen=True)
class Neighbour:
    """A chosen demonstration."""

    corpus_id: int
    rank: int  # 0 is the first that the method chose
    score: float  # the method's own: cosine, BM25 or fused; 0.0 for random
    similarity: float  # cosine to the query, whatever the method
    demonstration: Demonstration


@dataclass(frozen=True)
class Chosen:
    """The demonstrations for one question, in the order of the prompt."""

    question: str
    neighbours: tuple[Neighbour, ...]
    left_out: tuple[Leak, ...] = ()  # by the guard; with the guard off, what it would have left out
    notes: tuple[str, ...] = ()  # for the reader: fewer than k, what was left out


class Retriever:
    """A pool with its indexes. `corpus_embeddings` (N, D) are of the pool's questions, by `encoder`."""

    def __init__(self, pool: Pool, encoder: Encoder, corpus_embeddings: np.ndarray):
        if len(pool) != len(corpus_embeddings):
            message = f"{len(corpus_embeddings)} embeddings do not belong to the {len(pool)} questions of {pool.name}"
            raise ValueError(message)
        self.pool, self.encoder = pool, encoder
        self.dense = DenseIndex(corpus_embeddings)
        self.guard = LeakageGuard(pool.questions, self.dense)

    @cached_property
    def words(self) -> BM25Index:
        """Built when BM25 is first asked for."""
        return BM25Index(self.pool.questions)

    @cached_property
    def map(self) -> PoolMap:
        """Computed when it is first drawn."""
        return PoolMap(self.dense.corpus_embeddings)

    def embed(self, questions: Sequence[str]) -> np.ndarray:
        """Query embeddings (N, D); many at once are faster than one by one."""
        return self.encoder.encode([check_question(question) for question in questions])

    def select(
        self,
        question: str,
        selection: Selection | None = None,
        query_embedding: np.ndarray | None = None,
        gold: Sequence[str] = (),
    ) -> Chosen:
        """The demonstrations for `question`, each of another wording. `query_embedding` (D,) spares computing it.

        `gold` are the right answers to the question, if they are known.

        Raises ValueError for a question that is empty or over 10,000 characters.
        """
        selection, question = selection or Selection(), check_question(question)
        embedding = self.embed([question])[0] if query_embedding is None else query_embedding
        leaks = self.guard.find(question, embedding)
        exclude = {leak.corpus_id for leak in leaks} if selection.guard else set()
        hidden, repeated = set(), set()
        while True:  # until there is nothing to be left out among what is found
            hits = self._search(question, embedding, selection, exclude | hidden | repeated)
            first: dict[str, int] = {}  # question -> the first hit that has it
            for hit in hits:
                first.setdefault(normalize_answer(self.pool[hit.corpus_id].question), hit.corpus_id)
            again = {hit.corpus_id for hit in hits} - set(first.values())
            in_sight = {hit.corpus_id for hit in hits if is_same_answer(self.pool[hit.corpus_id].answer, gold)}
            if not again and not (in_sight and selection.hide_answer):
                break
            repeated |= again
            hidden |= in_sight if selection.hide_answer else set()
        cosines = self.dense.similarities(embedding, [hit.corpus_id for hit in hits])
        neighbours = [
            Neighbour(hit.corpus_id, rank, hit.score, float(cosine), self.pool[hit.corpus_id])
            for rank, (hit, cosine) in enumerate(zip(hits, cosines, strict=True))
        ]
        if selection.order == "shuffled":
            neighbours = random.Random(f"{selection.seed}/order/{question}").sample(neighbours, len(neighbours))
        elif selection.order == "nearest last":
            neighbours.reverse()
        notes = _notes(selection, len(hits), leaks, len(self.pool), len(hidden), len(repeated))
        return Chosen(question, tuple(neighbours), tuple(leaks), notes)

    def _search(self, query: str, embedding: np.ndarray, selection: Selection, exclude: Collection[int]) -> list[Hit]:
        """The first k by the method, the best first."""
        k = selection.k
        match selection.method:
            case "random":  # the same seed draws the same, and fewer of them are the first of more
                rng, drawn = random.Random(f"{selection.seed}/{query}"), {}
                while len(drawn) < min(k, len(self.pool) - len(exclude)):
                    corpus_id = rng.randrange(len(self.pool))
                    if corpus_id not in exclude:
                        drawn[corpus_id] = Hit(corpus_id, 0.0)
                return list(drawn.values())
            case "nearest":
                return self.dense.search(embedding, k, exclude)
            case "mmr":
                return mmr_select(self.dense, embedding, k, selection.mmr_weight, exclude)
            case "bm25":
                return self.words.search(query, k, exclude)
        rankings = self.dense.search(embedding, FUSED_DEPTH, exclude), self.words.search(query, FUSED_DEPTH, exclude)
        return reciprocal_rank_fusion(rankings, k)


def check_question(question: str) -> str:
    """The question with single spaces. Raises ValueError if it is empty, too long or cannot be written."""
    if not (words := question.split()):
        raise ValueError("The question is empty.")
    if len(question) > LONGEST_QUESTION:
        raise ValueError(f"The question has {len(question):,} characters; it may have {LONGEST_QUESTION:,}.")
    if any("\ud800" <= character <= "\udfff" for character in question):
        raise ValueError("The question holds half a character (a lone surrogate), which no encoding can write.")
    return " ".join(words)


def _notes(
    selection: Selection, found: int, leaks: Sequence[Leak], size: int, hidden: int, repeated: int
) -> tuple[str, ...]:
    """Sentences for the reader: fewer than k, what the leakage guard found, and what else was left out."""
    notes = []
    if found < selection.k:
        why = "share a word with the question" if selection.method == "bm25" else f"are in the pool of {size:,}"
        notes.append(f"{found} demonstrations instead of k = {selection.k}: no more {why}.")
    if leaks:
        done = "left out" if selection.guard else "allowed with the leakage guard off"
        listed = "; ".join(f"“{leak.question}” ({leak.reason})" for leak in leaks[:3])
        notes.append(f"{len(leaks)} of the pool {done} as nearly the question itself: {listed}.")
    if hidden:
        notes.append(f"{hidden} of the pool left out: their answer is a right answer to the question.")
    if repeated:
        notes.append(f"{repeated} of the pool left out: their question is another's word for word.")
    return tuple(notes)
