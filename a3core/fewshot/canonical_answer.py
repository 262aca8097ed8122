"""One canonical answer out of many aliases: what a demonstration shows.

    >>> choose_answer(["🦉", "Owls", "Wise old bird", "Owl (animal)", "Owl", "List of owls in fiction", "Hooter"])
    'Owl'

TriviaQA's aliases are the titles of Wikipedia pages that lead to the answer's page, in no order: misspellings, titles
of other articles ("Religion in Togo"), disambiguation pages, symbols. The rule, in the order it is applied:

1. A suffix in brackets is cut off: "DZ (disambiguation)" reads "DZ", "Tom (film)" reads "Tom".
2. Left out, if anything else is left: what has no letter or digit, letters of another script than Latin, codes and
   links ("UN/LOCODE:USCHI", "%22"), titles of articles about the answer ("List of ...", "Religion in ..."), and what
   adds a place or title behind a comma to another alias ("Atlanta, Georgia").
3. Aliases that differ only in case, accents, punctuation or a leading article are one answer. Each alias votes for an
   answer: 1 if it is spelled so, 2 if it has a suffix besides (an article bears that name) without a year, 0.7 if it
   nearly is (a misspelling, a plural) or has more behind a comma, and if it holds the answer's words, the share of its
   words that they are. A suffix that is an alias itself is voted for instead: "Red Stripe (Flying Pickets)" is a part
   of it. So is the noun of an adjective ("Cloaca" by "Cloacal"), the name in "Beethoven's", and the words of what is
   written together. An alias in capitals, which is how quiz writers left their own answer, outvotes all others, unless
   it is the initials of another. The most votes win; then the shorter answer, then the first.
4. Of the winner's spellings the prompt gets the plainest: not in capitals but for numerals, without commas, accents
   or odd apostrophes, words capitalised.
"""

import re
import string
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

CODE = re.compile(r"%\d\d|\S[:/@]\S|^ISO \d")
SHOUTED = re.compile(r"[^\W\d_][^\d_/:,.&@]+")
CAPITAL_INSIDE = re.compile(r"[a-z]['’]?[A-Z]|\b[A-Z]{4}")
NUMERAL, DIGIT = re.compile(r"\b[ivx]{2,}\b", re.IGNORECASE), re.compile(r"\d")
ODD_APOSTROPHE = re.compile(r"['’](?!s\b|t\b|d\b|n\b|[lrv][le]\b)[a-z]")
SMALL_WORD, SIGN = re.compile(r"\b[a-z]\w{3}"), re.compile(r"[^\w\s'’]")
ARTICLE = re.compile(r"^(the|an?) ")
TOPICS = Path(__file__).with_name("topics.txt").read_text(encoding="utf-8").split()  # as patterns
OTHER_ARTICLE = re.compile(rf"\b({'|'.join(TOPICS)}) (of|in|for|from|on)\b|\bdisambiguation\b", re.IGNORECASE)
EXACT, SUFFIXED, NEAR, HOLDS, IN_CAPITALS = 1.0, 2.0, 0.7, 1.0, 100.0
NEARLY = 0.6  # of the trigrams shared, for spellings that are nearly the same
LONG = 14  # letters from which on words that are written together are a mistake
MOST_ALIASES = 200  # votes are counted among the first so many


def choose_answer(answers: Sequence[str]) -> str:
    """The canonical answer among the aliases, by the rule above. Raises ValueError if there is no alias."""
    if not answers:
        raise ValueError("there is no answer to choose from")
    return _choose(tuple(answers[:MOST_ALIASES]))


@lru_cache(maxsize=50_000)
def _choose(answers: tuple[str, ...]) -> str:
    folded = {fold(answer) for answer in answers}
    spaced = {name.replace(" ", ""): name for name in folded if " " in name and len(name) >= LONG}
    names = [_name_alias(answer, folded, spaced) for answer in answers]  # the answer that each alias spells
    plain = [i for i, answer in enumerate(answers) if is_plain(answer)] or range(len(answers))
    plain = [i for i in plain if "," not in answers[i]] or plain
    votes = {name: _count_votes(name, answers, names) for name in dict.fromkeys(names[i] for i in plain)}
    winner = min(votes, key=lambda name: (-votes[name], len(name)))
    own = [i for i in plain if names[i] == winner]
    exact = [i for i in own if fold(answers[i]) == winner] or own  # not its forms and parts
    spelled = [cut_suffix(answers[i]) or answers[i] for i in exact]
    best = " ".join(min(spelled, key=_rank_spelling).split())
    return string.capwords(best) if _is_shouted(best) else best


def cut_suffix(text: str) -> str:
    """Without the brackets at the end and the spaces before them: "Tom (film)" reads "Tom"; else the text itself."""
    bare = text.rstrip()
    start = bare.rfind("(")
    is_suffix = start >= 0 and bare.find(")", start) == len(bare) - 1
    return bare[:start].rstrip() if is_suffix else text


def fold(text: str) -> str:
    """Without suffix, case, accents, punctuation and a leading article: what the spellings of an answer have in common.

    May be the text itself, where nothing would be left.
    """
    bare = re.sub(r"['’.]", "", cut_suffix(text))
    letters = (c for c in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(c))
    return ARTICLE.sub("", " ".join(re.findall(r"\w+", "".join(letters).casefold()))) or text


def is_plain(alias: str) -> bool:
    """Whether an alias, its suffix aside, may be an answer: step 2 of the rule."""
    bare = cut_suffix(alias) or alias
    latin = all(unicodedata.name(c, "").startswith("LATIN") for c in bare if c.isalpha())
    return latin and any(c.isalnum() for c in bare) and not CODE.search(bare) and not OTHER_ARTICLE.search(bare)


def _name_alias(answer: str, folded: set[str], spaced: dict[str, str]) -> str:
    """The fold of an alias, or that of the other alias which it is a form or a part of."""
    name, first = fold(answer), fold(answer.partition(",")[0])
    turned = fold(" ".join(reversed(answer.split(", ", 1))))  # "Lewis, Lennox", but not "Ghent, Belgium"
    if turned in folded and first not in folded:
        return turned
    suffix = fold(answer.rstrip()[len(cut_suffix(answer)) :].strip(" ()") or answer)
    stem = fold(re.sub(r"['’]s?$", "", answer))
    forms = suffix, stem, name[:-1] if name.endswith("al") else name, spaced.get(name, name)
    return next((form for form in forms if form != name and form in folded), name)


def _count_votes(name: str, answers: Sequence[str], names: Sequence[str]) -> float:
    """Votes of all aliases, the left out ones too, for the answer `name`: step 3."""
    own = [answer for answer, voter in zip(answers, names, strict=True) if voter == name]
    shouted = [answer for answer in own if _is_shouted(answer)]
    by_the_writer = bool(shouted) and (len(own) > len(shouted) or " " in name or len(name) > 6)  # else it may be a code
    by_the_writer &= all(name != "".join(word[0] for word in other.split()) for other in names)
    votes = sum(_vote(name, answer, voter) for answer, voter in zip(answers, names, strict=True))
    return votes + IN_CAPITALS * by_the_writer


def _vote(name: str, answer: str, voter: str) -> float:
    if voter == name:
        suffix = answer[len(cut_suffix(answer)) :]
        return SUFFIXED if suffix and not DIGIT.search(suffix) else EXACT  # "King Lear (2014 film)" is another work
    if "," in answer and fold(answer.partition(",")[0]) == name:
        return NEAR
    if 0.5 < len(name) / len(voter) < 2:
        own, other = _trigrams(name), _trigrams(voter)
        if 2 * len(own & other) >= NEARLY * (len(own) + len(other)):  # Dice coefficient
            return NEAR
    return HOLDS * len(name.split()) / len(voter.split()) if f" {name} " in f" {voter} " else 0.0


@lru_cache(maxsize=4096)
def _trigrams(text: str) -> frozenset[str]:
    padded = f"  {text} "
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))


def _is_shouted(alias: str) -> bool:
    """In capitals, and neither initials nor a code: letters only, in several words or in one of five and more."""
    longest = max(map(len, re.findall(r"\w+", alias)), default=0)
    return alias.isupper() and bool(SHOUTED.fullmatch(alias)) and longest > (3 if " " in alias.strip() else 4)


def _rank_spelling(text: str) -> tuple:
    """Step 4: the plainest of an answer's spellings is the lowest."""
    small = any(not numeral.isupper() for numeral in NUMERAL.findall(text))
    strange = text.isupper(), "," in text, not text.isascii(), bool(CAPITAL_INSIDE.search(text)), small
    strange += (bool(ODD_APOSTROPHE.search(text)),)
    return *strange, len(SMALL_WORD.findall(text)), len(SIGN.findall(text)), -len(text)
