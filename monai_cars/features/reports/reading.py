"""How a vocabulary reads the concepts of a report: which mean a finding, suggest it, or deny it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from monai_cars.features.reports.context import ABSENT, IGNORED, IMPLIED, LIKELY, PRESENT, SUGGESTED, UNCERTAIN
from monai_cars.features.reports.lexicon import OWN, Lexicon, check_concept, concepts, shared_lexicon
from monai_cars.features.reports.words import tokens
from monai_cars.features.vocabulary import Vocabulary

_SEVERAL = 16  # vocabularies kept ready

NO_FINDING = "nothing acute"  # the concept of a label such as "No Finding"
LABEL = "label: "  # before the name of a finding that a form calls by that name

# What each relation makes of a concept's status; what is not named says nothing.
RELATIONS = {
    "means": {status: status for status in (PRESENT, LIKELY, UNCERTAIN, ABSENT, IGNORED)},
    "implied_by": {PRESENT: IMPLIED, LIKELY: IMPLIED, UNCERTAIN: SUGGESTED, IGNORED: IGNORED},
    "suggested_by": {PRESENT: SUGGESTED, LIKELY: SUGGESTED, UNCERTAIN: SUGGESTED, IGNORED: IGNORED},
    "absent_without": {ABSENT: ABSENT},
    "excluded_by": {PRESENT: ABSENT},
}


class Reader:
    """Reads the concepts of a report as findings of one vocabulary.

    Attributes:
        lexicon: the phrases that name them.
        labels: words of a label in a form -> its concept, where the label is the vocabulary's own name of a finding.

    A finding without an entry in `report` or `phrases` is read by its own name, and by the concepts of that name or of
    the name that the editors have for it.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._rules: dict[str, list[tuple[str, dict[str, str]]]] = {}
        own = {name: tuple(phrases) for name, phrases in vocabulary.phrases.items()}
        for finding in vocabulary.findings:
            relations: Mapping[str, Sequence[str]] | None = vocabulary.report.get(finding)
            if relations is None and finding not in own and finding != vocabulary.no_finding:
                relations = {"means": _same_name(finding, vocabulary)}
                own |= {} if relations["means"] else {finding: (finding.replace("_", " "),)}
            for relation, names in (relations or {}).items():
                for concept in names:
                    check_concept(concept, f"{vocabulary.name}: `report: {finding}`")
                    self._rules.setdefault(concept, []).append((finding, RELATIONS[relation]))
        for finding in own:
            self._rules.setdefault(OWN + finding, []).append((finding, RELATIONS["means"]))
        self.lexicon = Lexicon(own) if own else shared_lexicon()
        self.labels = {("no", "finding"): NO_FINDING, ("no", "acute", "finding"): NO_FINDING}
        for finding in vocabulary.findings:
            concept = NO_FINDING if finding == vocabulary.no_finding else LABEL + finding
            self.labels[tuple(token.word for token in tokens(finding))] = concept
            if concept != NO_FINDING:
                self._rules[concept] = [(finding, RELATIONS["means"])]

    def read(self, concept: str, status: str) -> list[tuple[str, str]]:
        """Findings and their status that follow from a concept and its status."""
        rules = self._rules.get(concept, ())
        return [(finding, table[status]) for finding, table in rules if status in table]


def _same_name(finding: str, vocabulary: Vocabulary) -> list[str]:
    names = [finding.lower().replace("_", " "), *(edit for edit, name in vocabulary.edits.items() if name == finding)]
    return [name for name in dict.fromkeys(names) if name in concepts()]


_readers: OrderedDict[int, tuple[Vocabulary, Reader]] = OrderedDict()


def reader_of(vocabulary: Vocabulary) -> Reader:
    """The reader of a vocabulary, made once."""
    kept = _readers.get(id(vocabulary))
    if kept is None or kept[0] is not vocabulary:
        kept = _readers[id(vocabulary)] = (vocabulary, Reader(vocabulary))
        if len(_readers) > _SEVERAL:
            _readers.popitem(last=False)
    return kept[1]
