"""How a name may be spelt that is typed in capitals, or without any."""

import re

INITIALS, NUMERALS = re.compile(r"\b\w"), re.compile(r"\b(Ii|Iii|Iv)\b")
SCOTTISH = re.compile(r"(?<=\bMc)[a-z]|(?<=\bMac)[a-z]")
PARTICLES = re.compile(r"(?<= )(Af|Al|Bin|Da|De|Del|Della|Der|Di|Dos|Du|El|Ibn|La|Le|Of|The|Van|Von|Y|Zu)(?= )")


def spell(name: str) -> list[str]:
    """The ways in which a name may be spelt in the text: as it is typed, or a few if its case is in doubt.

    >>> spell("willie mccovey"), spell("LOU DE LA CRUZ")
    (['Willie Mccovey', 'Willie McCovey'], ['Lou De La Cruz', 'Lou de la Cruz'])
    """
    if is_cased(name):
        return [name]
    titled = [NUMERALS.sub(_upper, INITIALS.sub(_upper, name.lower()))]
    titled += [SCOTTISH.sub(_upper, spelling) for spelling in titled]
    titled += [PARTICLES.sub(lambda match: match[0].lower(), spelling) for spelling in titled]
    typed = [] if name in (name.lower(), name.upper()) else [name]
    return list(dict.fromkeys([*typed, *titled]))


def _upper(match: re.Match) -> str:
    return match[0].upper()


def is_cased(name: str) -> bool:
    """Whether a name can be taken as it is typed: each word opens with a capital, and not all letters are capitals."""
    return not name.isupper() and all(not word[0].isalpha() or word[0].isupper() for word in name.split())
