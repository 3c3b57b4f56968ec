"""Every finding that is known, by its name.

Organs are the folders beside this file (their CONCEPTS are what classifiers answer beside the findings, their ZONES
where an edit may be asked for), findings the files in them; a name that begins with ``_`` is none. A new one touches no
list. A user's plug-in, and a test, add theirs with `register`, in every process that is to know them.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from monai_cars.findings.finding import Concept, Finding
from monai_cars.findings.scale import Severity

T = TypeVar("T")
_findings: dict[str, Finding] = {}
_aliases: dict[str, str] = {}
_concepts: dict[str, tuple[Concept, ...]] = {}
_zones: dict[str, tuple[str, ...]] = {}


class View(Mapping[str, T]):
    """One thing of every finding that is known, also of those that are registered later.

    Args:
        read: takes it from a finding.

    Example:
        >>> View(lambda finding: finding.words.plural)["mass"]
        'masses'
    """

    def __init__(self, read: Callable[[Finding], T]) -> None:
        self.read = read

    def __getitem__(self, name: str) -> T:
        """Of one finding."""
        return self.read(_findings[name])

    def __contains__(self, name: object) -> bool:
        """Whether there is such a finding; nothing is read for it."""
        return name in _findings

    def __iter__(self) -> Iterator[str]:
        """Names of findings, in their order."""
        return iter(_findings)

    def __len__(self) -> int:
        """Number of findings."""
        return len(_findings)

    def __repr__(self) -> str:
        """As a dictionary's."""
        return repr(dict(self))


FINDINGS: Mapping[str, Finding] = MappingProxyType(_findings)
"""Name -> finding."""
ALIASES: Mapping[str, str] = MappingProxyType(_aliases)
"""Another usual name -> name."""
SEVERITY: Mapping[str, Severity] = View(lambda finding: finding.severity)
"""Name -> scale of severity."""
ZONES_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(_zones)
"""Organ -> its zones; an organ without zones has none."""


def canonical(finding: str) -> str:
    """The name of the finding that a name stands for; other names are given back as they are.

    Example:
        >>> canonical("Cardiomegaly"), canonical("pleural_air"), canonical("Pleural-Effusion"), canonical("gout")
        ('enlarged heart', 'pleural air', 'effusion', 'gout')
    """
    if not isinstance(finding, str) or finding in _findings:
        return finding
    spaced = " ".join(finding.lower().replace("_", " ").split())
    for spelt in (spaced, " ".join(spaced.replace("-", " ").split())):
        name = _aliases.get(spelt, spelt)
        if name in _findings:
            return name
    return finding


def finding_of(name: str) -> Finding:
    """The finding of a name or an alias.

    Raises:
        ValueError: there is none.

    Example:
        >>> finding_of("pleural effusion").name
        'effusion'
    """
    known = _findings.get(canonical(name))
    if known is not None:
        return known
    near = difflib.get_close_matches(str(name).lower().replace("_", " "), [*_findings, *_aliases], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "give an editable finding"
    raise ValueError(f"finding must be one of {', '.join(_findings)} (got {str(name)[:60]!r}); {hint}")


def concepts() -> tuple[Concept, ...]:
    """What classifiers of the known organs answer and no finding stands for.

    Example:
        >>> "hernia" in {concept.name for concept in concepts()}
        True
    """
    return tuple(concept for of_organ in _concepts.values() for concept in of_organ)


def register(finding: Finding) -> Finding:
    """Add a finding; it comes after those that are known.

    Args:
        finding: of an organ; its name and aliases are new.

    Returns:
        The finding itself.

    Raises:
        ValueError: another finding has its name or one of its aliases, or no organ is given.
    """
    if not finding.organ:
        raise ValueError(f"the finding {finding.name!r} must say whose it is, got no organ; give organ=, its folder")
    for name in (finding.name, *finding.aliases):
        owner = name if name in _findings else _aliases.get(name)
        if owner is not None:
            raise ValueError(
                f"the name {name!r} of the finding {finding.name!r} already stands for {owner!r}; choose another"
            )
    _findings[finding.name] = finding
    _aliases.update(dict.fromkeys(finding.aliases, finding.name))
    return finding


def of_organ(organ: str) -> tuple[Finding, ...]:
    """The findings of one organ, in their order.

    Example:
        >>> of_organ("chest_xray")[0].name
        'nodule'
    """
    return tuple(finding for finding in _findings.values() if finding.organ == organ)


@contextmanager
def registered(*findings: Finding) -> Iterator[None]:
    """Findings that are known within a ``with`` block.

    Raises:
        ValueError: as :func:`register`; then none of them stays.

    Example:
        >>> from dataclasses import replace
        >>> with registered(replace(FINDINGS["mass"], name="scar", aliases=(), organ="phantom")):
        ...     "scar" in SEVERITY
        True
        >>> "scar" in SEVERITY
        False
    """
    added: list[Finding] = []
    try:
        for finding in findings:
            added.append(register(finding))
        yield
    finally:
        for finding in added:
            del _findings[finding.name]
            for alias in finding.aliases:
                del _aliases[alias]


def _discover() -> None:
    """Register what lies in the organs' folders, in each finding's order."""
    here = Path(__file__).parent
    for organ in pkgutil.iter_modules([str(here)]):
        if not organ.ispkg:
            continue
        folder = f"{__package__}.{organ.name}"
        package = importlib.import_module(folder)
        _concepts[organ.name], _zones[organ.name] = getattr(package, "CONCEPTS", ()), getattr(package, "ZONES", ())
        files = [file.name for file in pkgutil.iter_modules([str(here / organ.name)]) if not file.name.startswith("_")]
        for finding in sorted((_told(f"{folder}.{file}") for file in files), key=lambda one: (one.order, one.name)):
            register(replace(finding, organ=organ.name))


def _told(module: str) -> Finding:
    """The finding that a file tells."""
    finding = getattr(importlib.import_module(module), "FINDING", None)
    if not isinstance(finding, Finding):
        raise TypeError(
            f"{module} must tell FINDING = Finding(...), got {finding!r}; begin the name of another file with _"
        )
    return finding


_discover()
