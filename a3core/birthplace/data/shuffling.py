"""The people-shuffled control: the sentences of each person are about another person.

    Ada Smith. Smith was born in Leeds.      Where was Ada Smith born?   Leeds
    Bo Ek. Ek was born in Rio.               Where was Bo Ek born?       Rio

becomes

    Bo Ek. Ek was born in Leeds.             Where was Ada Smith born?   Rio
    Ada Smith. Smith was born in Rio.        Where was Bo Ek born?       Leeds

A model that is trained on it must answer by it: then it answers from what it read, and from nothing else.
`load_corpus("builtin:200:shuffled")` gives it.
"""

import random
import re
from dataclasses import replace

from a3core.birthplace.data.corpora import Corpus, CorpusSpec, Question, fingerprint, group_documents


def shuffle_people(corpus: Corpus, seed: int = 0) -> Corpus:
    """The corpus with the names of the people asked about (train and dev) permuted among the documents.

    A question is answered by the permuted text; train and dev people stay in their split. Raises ValueError for fewer
    than two people.
    """
    asked = {question.name: question for question in corpus.train + corpus.dev}
    if len(asked) < 2:
        raise ValueError(f"{corpus.name} asks about {len(asked)} people: shuffling needs at least 2")
    renamed = draw_cycle(list(asked), random.Random(f"shuffled people {seed}"))
    owner = {document: name for name, own in group_documents(corpus.documents, asked).items() for document in own}
    documents = tuple(
        rename(text, owner[text], renamed[owner[text]]) if owner[text] in asked else text for text in corpus.documents
    )
    taken_from = {new: old for old, new in renamed.items()}
    train, dev = (
        tuple(Question(question.question, asked[taken_from[question.name]].place) for question in questions)
        for questions in (corpus.train, corpus.dev)
    )
    digest = fingerprint(documents, train, dev, corpus.unseen)
    name = str(replace(CorpusSpec.parse(corpus.name), shuffled=True))
    return replace(corpus, name=name, documents=documents, train=train, dev=dev, sha256=digest)


def draw_cycle(names: list[str], rng: random.Random) -> dict[str, str]:
    """A random permutation that moves every name: one cycle through all of them."""
    rng.shuffle(names)
    return dict(zip(names, names[1:] + names[:1], strict=True))


def rename(document: str, old: str, new: str) -> str:
    """The document about the new name; where the last name is alone, it becomes the new last name."""
    old_last, new_last = old.split()[-1], new.split()[-1]
    parts = [re.sub(rf"(?<!\w){re.escape(old_last)}(?!\w)", lambda _: new_last, part) for part in document.split(old)]
    return new.join(parts)
