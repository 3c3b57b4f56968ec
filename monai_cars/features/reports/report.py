"""Report text -> feature vector.

A small phrase matcher of our own, after NegEx and ConText. medspaCy 1.3 and negspaCy 1.1 do not fit: both need spaCy
and a language model to download (beside 40 kB of phrases here), and neither brings the findings of radiology.

Conventions are those of the CheXpert labeller (chexpert-labeler) except where this text says otherwise:

- 1 present, 0 denied, NaN not mentioned. A hedged finding ("may represent", "cannot exclude", "versus") is unknown.
- "likely", "consistent with" and "compatible with" are present, as there (its uncertainty patterns name "possible",
  "probable", "suspected", "may", "favor" and "less likely", not "likely"): LIKELY_VALUE, or what `likely` gives.
  "Probably" is unknown like "probable"; it has no pattern there.
- A finding that is on either side is present ("no effusion on the right, small on the left").
- "upper limits of normal" and "top normal" hearts are not enlarged; "borderline" is unknown; "stable" says nothing.
- "vascular congestion" only suggests edema and leaves it unknown (there it is edema that the uncertainty patterns
  always doubt); `suggested` gives that a value. "No vascular congestion" denies edema; heart failure is edema, and
  leaves cardiomegaly unknown; fluid overload is edema unless that is denied, or `hierarchy` is off.
- "no new consolidation" denies it unless another sentence names one; "unlikely" denies, "less likely" is unknown.
- Lines, tubes, pacemakers, valves, hardware are devices; wires, clips, stents and sternotomies leave devices unknown.
- A compression deformity or a collapsed vertebra is a fracture. A granuloma is no lesion. Blunted costophrenic angles
  leave effusion unknown, sharp ones deny it.
- "Lungs are clear" denies opacity, consolidation and pneumonia, not atelectasis or nodules: it is said beside them.
- Present outweighs likely, likely uncertain, uncertain absent, and absent what another finding only suggests.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

from monai_cars.features.feature_vector import FeatureVector
from monai_cars.features.reports.context import ABSENT, IMPLIED, LIKELY, PRESENT, SUGGESTED, UNCERTAIN
from monai_cars.features.reports.lexicon import findings as told_by_name
from monai_cars.features.reports.reading import Reader, reader_of
from monai_cars.features.reports.statements import Statement, statements_of
from monai_cars.features.vocabulary import Vocabulary, VocabularyError, load_vocabulary

LIKELY_VALUE = 1.0  # of a finding that is called likely; the labeller counts it as present
_ORDER = (PRESENT, LIKELY, UNCERTAIN, ABSENT, IMPLIED, SUGGESTED)  # the first that a report says of a finding counts
# What a film may show and still be free of findings, and what says so.
_NO_FINDING = {"support device", "surgical material"}
_SAYS_NORMAL = {"clear lungs", "normal film", "nothing acute"}


class Mention(NamedTuple):
    """A finding that a report names.

    Attributes:
        finding: the vocabulary's name.
        phrase: the words that name it.
        status: "present", "likely", "uncertain", "absent", "implied" or "suggested" (by another finding, as edema is by
            fluid overload and effusion by a blunted costophrenic angle), or "ignored" (asked for, past, or advised).
        sentence: the sentence, spaces as they are.
        start: place of the phrase in the report.
        end: place after it.
    """

    finding: str
    phrase: str
    status: str
    sentence: str
    start: int
    end: int


def from_report(
    text: str,
    vocabulary: str | Path | Vocabulary = "chexpert-14",
    *,
    uncertain: float | None = None,
    likely: float | None = LIKELY_VALUE,
    suggested: float | None = None,
    hierarchy: bool = True,
) -> FeatureVector:
    """What a radiology report says of each finding of a vocabulary.

    Findings and impression are read; indication, history, comparison, technique and recommendation are not. A finding
    that is present makes present what it implies. "No finding" is 1 where the report says so (no acute disease, or two
    of lungs, pleura and heart found well) and names nothing else but devices, 0 where a finding is present, and else
    unknown.
    A film called normal as a whole denies every finding but devices.

    Args:
        text: the report, with or without headers.
        vocabulary: "chexpert-14", "carpa-19", "nih-14" (hyphen or not), a path to a YAML file, or a Vocabulary.
        uncertain: value of a finding that is hedged ("probable", "cannot exclude"), in [0, 1]; None or NaN is unknown.
        likely: value of a finding that is called likely, in the same way.
        suggested: value of a finding that only another one suggests (edema by vascular congestion), in the same way.
        hierarchy: a finding that is present makes present what it implies (consolidation by pneumonia, edema by fluid
            overload); without it only what is said of a finding itself counts.

    Returns:
        The vector. Its `uncertain` names the findings that are hedged, whatever their value, so that they can be told
        from those that nobody mentions.

    Raises:
        TypeError: the text is not a string.
        VocabularyError: it is empty, a value lies outside [0, 1], or a finding of the vocabulary has no phrases.

    Example:
        >>> seen = from_report("Small left effusion, possible pneumonia. No pneumothorax.")
        >>> seen["Pleural Effusion"], seen["Pneumothorax"], seen["Pneumonia"]
        (1.0, 0.0, nan)
    """
    likelihood, doubt = _worth("likely", likely), _worth("uncertain", uncertain)
    worth = {
        PRESENT: 1.0,
        LIKELY: likelihood,
        UNCERTAIN: doubt,
        ABSENT: 0.0,
        IMPLIED: 1.0 if hierarchy else math.nan,
        SUGGESTED: _worth("suggested", suggested),
    }
    loaded = load_vocabulary(vocabulary)
    reader = reader_of(loaded)
    statements = statements_of(text, reader)
    values = dict.fromkeys(loaded.findings, math.nan)
    first = {name: _first(said) for name, said in _said(statements, reader).items()}
    values.update((name, worth[status]) for name, status in first.items() if status is not None)
    _normal(values, statements, loaded)
    present = [name for name, value in values.items() if value == 1 and hierarchy]
    implied = {ancestor for name in present for ancestor in loaded.implied(name)}
    values.update(dict.fromkeys(implied, 1.0))
    hedged = [name for name, status in first.items() if status == UNCERTAIN and name not in implied]
    return FeatureVector(list(values.values()), loaded, uncertain=hedged)


def _first(said: set[str]) -> str | None:
    """What counts of all that is said of a finding."""
    return next((status for status in _ORDER if status in said), None)


def _worth(name: str, value: float | None) -> float:
    number = math.nan if value is None else float(value)
    if not (math.isnan(number) or 0 <= number <= 1):
        raise VocabularyError(
            f"{name} must be in [0, 1], or None for unknown (got {value}); code doubt as a probability."
        )
    return number


def mentions(text: str, vocabulary: str | Path | Vocabulary = "chexpert-14") -> list[Mention]:
    """Every mention that `from_report` weighs, and those it leaves out, in the order of the text.

    Example:
        >>> [(one.finding, one.phrase, one.status) for one in mentions("History of edema. Heart is not enlarged.")]
        [('Edema', 'edema', 'ignored'), ('Cardiomegaly', 'Heart is not enlarged', 'absent')]
    """
    loaded = load_vocabulary(vocabulary)
    reader = reader_of(loaded)
    found = []
    for one in statements_of(text, reader):
        sentence = text[one.sentence.start : one.sentence.end]
        for finding, status in reader.read(one.concept, one.status):
            found.append(Mention(finding, text[one.start : one.end], status, sentence, one.start, one.end))
    return sorted(found, key=lambda mention: (mention.start, mention.end))


def _said(statements: list[Statement], reader: Reader) -> dict[str, set[str]]:
    said: dict[str, set[str]] = {}
    for one in statements:
        for finding, status in reader.read(one.concept, one.status):
            said.setdefault(finding, set()).add(status)
    return said


def _normal(values: dict[str, float], statements: list[Statement], vocabulary: Vocabulary) -> None:
    """Fills in "no finding", and what a film denies that is called normal as a whole."""
    asserted = {one.concept for one in statements if one.status in (PRESENT, LIKELY, UNCERTAIN)}
    abnormal = asserted - _NO_FINDING - _SAYS_NORMAL - {"acute disease"}
    if not abnormal and "normal film" in asserted:
        for name, value in values.items():
            if math.isnan(value) and name not in vocabulary.beside_no_finding:
                values[name] = 0.0
    if vocabulary.no_finding is None:
        return
    counted = {name: value for name, value in values.items() if name not in vocabulary.beside_no_finding}
    if any(value == 1 for value in counted.values()):
        values[vocabulary.no_finding] = 0.0
    elif not abnormal and _called_normal(statements, asserted):
        values[vocabulary.no_finding] = 1.0


def _called_normal(statements: list[Statement], asserted: set[str]) -> bool:
    """Said so as a whole, or of two of lungs, pleura and heart."""
    denied = {one.concept for one in statements if one.status == ABSENT}
    if asserted & {"normal film", "nothing acute"} or "acute disease" in denied:
        return True
    normal = {told_by_name().get(concept, {}).get("denied") for concept in denied} - {None}
    return len(normal | ({"lungs"} if "clear lungs" in asserted else set())) >= 2
