"""What the sentences of a report say, as concepts and their status; `reading` tells what a vocabulary makes of them."""

from __future__ import annotations

from typing import NamedTuple

from monai_cars.features.reports.clauses import Named
from monai_cars.features.reports.context import ABSENT, IGNORED, PRESENT, answered, judge
from monai_cars.features.reports.lexicon import Found, Lexicon
from monai_cars.features.reports.lines import parted
from monai_cars.features.reports.reading import NO_FINDING, Reader
from monai_cars.features.reports.sections import sections
from monai_cars.features.reports.sentences import Sentence, sentences
from monai_cars.features.reports.sides import elliptic, on_the_other_side, opposite, side_of
from monai_cars.features.reports.states import states
from monai_cars.features.vocabulary import VocabularyError


class Statement(NamedTuple):
    """A concept and what is said of it.

    Attributes:
        concept: of findings.yaml or anatomy.yaml, or a label of a form.
        status: "present", "likely", "uncertain", "absent" or "ignored".
        sentence: where it is said.
        start: place of its words in the report.
        end: place after them.
        named: a finding, not the state of a structure.
    """

    concept: str
    status: str
    sentence: Sentence
    start: int
    end: int
    named: bool


def statements_of(text: str, reader: Reader) -> list[Statement]:
    """What a report says, in the order of its sentences.

    Raises:
        TypeError: the text is not a string.
        VocabularyError: it is empty.
    """
    if not isinstance(text, str):
        raise TypeError(f"a report is a string (got {type(text).__name__}); read files and decode bytes first.")
    if not text.strip():
        raise VocabularyError("The report is empty; leave films without a report out, or give them a vector of NaN.")
    found: list[Statement] = []
    for part in sections(text):
        last: list[Statement] = []
        for sentence in sentences(text, part.start, part.end):
            for one, words, hits in _lines(sentence, reader.lexicon):
                said = _labelled(one, words, hits, reader)
                found += said or _still_there(one, last)
                last = said
    return found


def _still_there(sentence: Sentence, last: list[Statement]) -> list[Statement]:
    """What the sentence before denies on one side, and this one, which names nothing, leaves on the other."""
    denied_side = opposite(elliptic(sentence.words))
    return [
        one._replace(status=PRESENT, sentence=sentence, start=sentence.start, end=sentence.end)
        for one in last
        if denied_side and one.named and one.status == ABSENT and _denied_on(one) == denied_side
    ]


def _denied_on(one: Statement) -> str | None:
    starts = [token.start for token in one.sentence.tokens]
    return side_of(one.sentence.words, starts.index(one.start))


def _lines(sentence: Sentence, lexicon: Lexicon) -> list[tuple[Sentence, list[str], Found]]:
    words = sentence.words
    found = lexicon.find(words)
    parts = parted(sentence, found) if sentence.breaks else [sentence]
    if len(parts) == 1:
        return [(sentence, words, found)]
    return [(part, part.words, lexicon.find(part.words)) for part in parts]


def _labelled(sentence: Sentence, words: list[str], found: Found, reader: Reader) -> list[Statement]:
    """The statements of a sentence, or of a label that is the vocabulary's own name and says nothing else."""
    concept = reader.labels.get(tuple(words)) if sentence.answer else None
    said = [] if concept == NO_FINDING else _statements_of(sentence, words, found)
    if concept is None or said:
        return said
    status = answered(PRESENT, sentence.answer)
    if concept == NO_FINDING and status != PRESENT:  # "No Finding: No" does not say which there is
        status = IGNORED
    return [Statement(concept, status, sentence, *_place(sentence, (0, len(words))), True)]


def _statements_of(sentence: Sentence, words: list[str], found: Found) -> list[Statement]:
    told = states(words, found) if found.structures and found.predicates else []
    if not found.findings and not told:
        return []
    # "Interstitial markings" alone are increased ones, unless they are said to be normal.
    well = {state.structure[:2] for state in told if state.sure}
    found = found._replace(findings=[hit for hit in found.findings if hit[:2] not in well])
    named = [Named(hit.payload, hit.start, hit.end) for hit in found.findings]
    named += [Named(state.concept, state.predicate.start, state.predicate.end, state.sure) for state in told]
    statuses = judge(words, named, found.triggers, sentence.asked)
    findings = len(found.findings)
    absent = [place for place in range(findings) if statuses[place] == ABSENT]
    elsewhere = on_the_other_side(words, [named[place].start for place in absent])
    for place in (place for place, there in zip(absent, elsewhere, strict=True) if there):
        statuses[place] = PRESENT
    spans = [*((hit.start, hit.end) for hit in found.findings), *((state.start, state.end) for state in told)]
    said = [None] * findings + [state.status for state in told]
    return [
        Statement(
            one.concept,
            answered(_weighed(status, own), sentence.answer),
            sentence,
            *_place(sentence, span),
            own is None,
        )
        for one, status, own, span in zip(named, statuses, said, spans, strict=True)
    ]


def _weighed(status: str, own: str | None) -> str:
    """The status in view of what the predicate says by itself."""
    if own is None or own == PRESENT or status == IGNORED:
        return status
    return ABSENT if ABSENT in (status, own) else own


def _place(sentence: Sentence, span: tuple[int, int]) -> tuple[int, int]:
    return sentence.tokens[span[0]].start, sentence.tokens[span[1] - 1].end
