"""Self-consistency: what the samples of a question say together, and whether their majority is right.

    "How many eggs are left?" (gold 10), five samples: 10, 10, 14, 10, no answer
    majority vote 10 (3 of 5, agreement 0.6): right, and consistent, because more than half agree

Majority voting after Wang et al. (2022), arXiv:2203.11171. Answers are compared by the rule of `answers.extraction`,
not by labels.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import islice

from a3core.grader.answers.extraction import match_answers
from a3core.grader.report.measures import SENTENCES, Ids, Proportion, Row, build_proportion, proportion_from_counts
from a3core.grader.runs.responses import Response, fold_text

MOST_ANSWERS = 64  # different answers to one question that a sample is compared with: more would only cost time


@lru_cache(maxsize=100_000)
def is_same_answer(a: str, b: str) -> bool:
    """Whether two answers mean the same; where the rule cannot tell, but for case and space."""
    same = match_answers(a, b)
    return fold_text(a) == fold_text(b) if same is None else same


def build_consistency(responses: Sequence[Response]) -> Row:
    """Votes for each question that has several samples: groups, votes, single_samples, single_samples_ids.

    Votes: a row for each question's samples by one model under one prompt kind.

        answer       the one most frequent answer; None where two are equally frequent, or there is none
        votes        samples that give it (or one of those equally frequent); `agreement`: their share
        consistent   whether more than half of the samples give it
        right        whether it is the gold answer (none is not); None without gold
        ids          of the samples; `voting_ids`: of those that give `answer`

    Groups: a row for the questions of one prompt kind and model, in which shares of questions open to all samples.

        majority       questions with gold whose majority vote is right
        single         samples of the same questions that are right: what one sample alone scores
        inconsistent   questions in which no answer is given by more than half of the samples
        agreement      mean over questions of the share of samples that give the most frequent answer

    Questions with one sample only are left out, and counted.

    A sample joins the first answer that it is the same as. One without an answer votes for none, but is counted.
    """
    asked: dict[tuple[str, str, str], list[Response]] = defaultdict(list)
    for response in responses:
        asked[response.prompt_kind, response.model, response.question_key].append(response)
    alone = tuple(samples[0].id for samples in asked.values() if len(samples) == 1)
    groups: dict[tuple[str, str], list[tuple[Row, Ids]]] = defaultdict(list)
    for (kind, model, _), samples in asked.items():
        if len(samples) > 1:
            groups[kind, model].append(_count_votes(samples))
    return {
        "groups": tuple(_summarise(kind, model, judged) for (kind, model), judged in groups.items()),
        "votes": tuple(vote for judged in groups.values() for vote, _ in judged),
        "single_samples": len(alone),
        "single_samples_ids": alone,
    }


def _count_votes(samples: Sequence[Response]) -> tuple[Row, Ids]:
    """The vote, and the samples that are right by themselves."""
    answers = _gather(samples)
    most = max((len(ids) for ids in answers.values()), default=0)
    first, *others = [answer for answer, ids in answers.items() if len(ids) == most] or [None]
    answer = None if others else first
    gold = next((sample.gold_answer for sample in samples if sample.gold_answer is not None), None)
    vote = {
        **{name: getattr(samples[0], name) for name in ("prompt_kind", "model", "question")},
        "gold_answer": gold,
        "samples": len(samples),
        "answer": answer,
        "votes": most,
        "agreement": most / len(samples),
        "consistent": 2 * most > len(samples),
        "right": None if gold is None else answer is not None and bool(is_same_answer(answer, gold)),
        "ids": tuple(sample.id for sample in samples),
        "voting_ids": tuple(answers.get(answer, ())),
    }
    right = (s.id for s in samples if gold is not None and s.answer.strip() and is_same_answer(s.answer, gold))
    return vote, tuple(right)


def _gather(samples: Sequence[Response]) -> Mapping[str, list[str]]:
    """Answer as it was first given -> ids of the samples that give the same."""
    answers: dict[str, list[str]] = {}
    for sample in (sample for sample in samples if sample.answer.strip()):
        nearby = (answer for answer in islice(answers, MOST_ANSWERS) if is_same_answer(sample.answer, answer))
        known = sample.answer if sample.answer in answers else next(nearby, sample.answer)
        answers.setdefault(known, []).append(sample.id)
    return answers


def _summarise(kind: str, model: str, judged: list[tuple[Row, Ids]]) -> Row:
    votes = [vote for vote, _ in judged]
    gold = [vote for vote in votes if vote["right"] is not None]
    right = {id_ for _, ids in judged for id_ in ids}
    samples = [id_ for vote in gold for id_ in vote["ids"]]
    majority = _share_questions(gold, lambda vote: vote["right"])
    single = build_proportion([id_ for id_ in samples if id_ in right], [id_ for id_ in samples if id_ not in right])
    inconsistent = _share_questions(votes, lambda vote: not vote["consistent"])
    return {
        "prompt_kind": kind,
        "model": model,
        "questions": len(votes),
        "majority": majority,
        "single": single,
        "inconsistent": inconsistent,
        "agreement": sum(vote["agreement"] for vote in votes) / len(votes),
        "sentence": SENTENCES.consistency(majority, single, inconsistent),
    }


def _share_questions(votes: Sequence[Row], holds: Callable[[Row], bool]) -> Proportion:
    hits, rest = ([vote for vote in votes if holds(vote) is wanted] for wanted in (True, False))
    ids, rest_ids = (tuple(id_ for vote in part for id_ in vote["ids"]) for part in (hits, rest))
    return proportion_from_counts(len(hits), len(votes), ids, rest_ids)
