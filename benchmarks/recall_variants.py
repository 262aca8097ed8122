"""What is tried to answer better, on five folds of the train people: the shape of the answers, another seed, towns.

    python -m benchmarks.recall_variants course builtin:1000
    python -m benchmarks.recall_variants course --train towns

The models are those of `benchmarks.recall_folds`, which trains them: it comes first. Each variant is compared with
today's answers to the same held-out people, on the folds where its models are trained. No dev question is asked.

    any span       the same models, without the shape of the taught places
    cut at hyphens the same models, whose spans may begin and end at a hyphen
    two seeds      the surer of two answers, by its confidence: the second model has another seed and half the epochs
    longer         three more epochs at a quarter of the rates
    towns          as longer; in two fifths of the pairs "Town, Region" the town becomes one of several words, or with a
                   hyphen, and the region the answer
"""

from __future__ import annotations
