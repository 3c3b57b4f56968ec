"""Lines without full stops, in lower case or capitals: "no pneumothorax / effusion is small" are two statements.

Whether a line goes on below cannot be told by its letters then, only by its words: it ends with what is said of a
finding, and the next one opens with another.
"""

from __future__ import annotations

from collections.abc import Sequence

from monai_cars.features.reports.lexicon import Found
from monai_cars.features.reports.sentences import Sentence
from monai_cars.features.reports.words import GRAMMAR

_OPENS = GRAMMAR["opens"]
_ASSERTS = GRAMMAR["asserting"]
_SEEN = GRAMMAR["seen"]
_CLOSES = GRAMMAR["seen"] | GRAMMAR["ends of a place"]
_LEADS_ON = GRAMMAR["goes on"] - GRAMMAR["ends of a place"]
_COMPARES = GRAMMAR["compares"]
_VERBS = GRAMMAR["verbs"]
_OR = GRAMMAR["or"]


def parted(sentence: Sentence, found: Found) -> list[Sentence]:
    """A sentence as one or more, ended at the line breaks at which another begins.

    Args:
        sentence: as `sentences` gives it.
        found: what the lexicon finds in it.
    """
    words = sentence.words
    hits = [*found.findings, *found.structures]
    opens = {hit.start: hit.payload for hit in hits if hit.payload != "other"}  # "PICC / tip in the SVC"
    structures = {hit.start for hit in found.structures}
    opens |= {hit.start: hit.payload for hit in found.predicates if hit.end in structures}  # "no ptx / large heart"
    subject = min((hit.end for hit in found.structures), default=len(words))
    told = [hit for hit in found.predicates if hit.start >= subject]  # not "clear / lungs"
    ends = {hit.end for hit in found.findings}
    denied = [hit for hit in found.triggers if hit.payload == "absent after" and hit.start in ends]
    closes = {hit.end: hit.payload for hit in (*hits, *told, *denied)}
    named = min((hit.end for hit in hits), default=len(words))

    def ends_at(place: int) -> bool:
        if words[place - 1] in _LEADS_ON:
            return False
        if place in closes:
            another = place in opens and opens[place] != closes[place]
            return another or words[place] in _OPENS or words[place] in _ASSERTS
        if words[place - 1] in _SEEN and place in opens:
            return True
        return words[place - 1] in _CLOSES and words[place] in _OPENS

    following = [*sentence.breaks[1:], len(words)]
    breaks = [
        place
        for place, line_end in zip(sentence.breaks, following, strict=True)
        if place >= named and ends_at(place) and not _goes_on(words[place:line_end])
    ]
    if not breaks:
        return [sentence]
    starts = [0, *breaks]
    return [
        sentence._replace(tokens=sentence.tokens[first:last], breaks=())
        for first, last in zip(starts, [*breaks, len(words)], strict=True)
    ]


def _goes_on(line: Sequence[str]) -> bool:
    """Whether a line goes on with the list above ("effusion or edema"), or compares ("no larger")."""
    if len(line) > 1 and line[1] in _COMPARES:
        return True
    return any(word in _OR for word in line) and not any(word in _VERBS for word in line) and line[0] != "no"
