"""What a film cannot show at once: a normal film with a finding, a finding without what it implies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monai_cars.echo import echo
from monai_cars.features.vectors import as_vector
from monai_cars.features.vocabulary import Vocabulary, VocabularyError
from monai_cars.findings.severity import canonical

# What readers, tables and vocabularies call a film without findings.
NORMAL = ("no finding", "no findings", "no relevant finding", "unremarkable", "normal")
PRESENT = 0.5  # a soft value from here on says that the finding is more likely there than not


def names_normal(word: str) -> bool:
    """Whether a word stands for a film without findings.

    Example:
        >>> names_normal("No Finding"), names_normal("unremarkable"), names_normal("mass")
        (True, True, False)
    """
    return word.casefold().replace("_", " ").strip() in NORMAL


def contradictions(vector: Any, vocabulary: Vocabulary, *, ancestors: bool = True) -> tuple[str, ...]:
    """What in a feature vector cannot be true at once, in words; empty when nothing is.

    Args:
        vector: V numbers in [0, 1] or NaN; unknown findings contradict nothing.
        vocabulary: whose findings they are.
        ancestors: also tell of a finding that is present while one that it implies is absent. Published tables hold
            such rows, since their columns were coded one by one.

    Example:
        >>> from monai_cars.features import load_vocabulary
        >>> nodule = {"nodule": 1, "unremarkable": 1}
        >>> contradictions(nodule, load_vocabulary("carpa-19"))
        ("'unremarkable' with 'nodule'",)
    """
    values = dict(zip(vocabulary.findings, as_vector(vector, vocabulary).tolist(), strict=True))
    present = [name for name, value in values.items() if value >= PRESENT]
    found = []
    normal = vocabulary.no_finding
    if normal in present:
        found += [
            f"{echo(normal)} with {echo(name)}"
            for name in present
            if name not in (normal, *vocabulary.beside_no_finding)
        ]
    if ancestors:
        found += [
            f"{echo(name)} without {echo(implied)}, which it implies"
            for name in present
            for implied in vocabulary.implied(name)
            if values[implied] < PRESENT
        ]
    return tuple(found)


def check_consistent(vector: Any, vocabulary: Vocabulary, *, ancestors: bool = True) -> None:
    """Refuse a feature vector that contradicts itself; arguments as for `contradictions`.

    Raises:
        VocabularyError: it does; the message names the findings.

    Example:
        >>> from monai_cars.features import load_vocabulary
        >>> check_consistent({"No Finding": 1, "Support Devices": 1}, load_vocabulary("chexpert-14"))
    """
    found = contradictions(vector, vocabulary, ancestors=ancestors)
    if found:
        raise VocabularyError(
            f"A film cannot show {'; nor '.join(found)} ({vocabulary.name}): make one of them 0, or NaN where nobody "
            "knows."
        )


def check_combination(findings: Sequence[str]) -> None:
    """Refuse findings that are asked for together and cannot be shown together.

    Raises:
        ValueError: a normal film is asked for, alone (nothing to insert) or with findings.

    Example:
        >>> check_combination(["effusion", "pleural air", "nodule"])
    """
    normal = [name for name in findings if names_normal(name)]
    if not normal:
        return
    others = [canonical(name) for name in findings if not names_normal(name)]
    if others:
        raise ValueError(
            f"findings contradict each other: {echo(normal[0])} says that there is none, and {echo(others[0])} is "
            f"asked for too; leave {echo(normal[0])} out."
        )
    raise ValueError(
        f"{echo(normal[0])} is no finding to insert; leave the film alone, or delete what it shows with DeleteFindingd."
    )
