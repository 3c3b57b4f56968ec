"""Sections of a report: what was found is read, what was asked, known before or advised is not.

Headers are known names before a colon anywhere in the text (reports often come as one line), or alone on their line.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_EXAM = r"(?:exam(?:ination)?s?|study|studies|order|visit|test|request|consult(?:ation)?|procedure)"
# Sections that do not say what this film shows.
_SKIPPED = (
    r"(?:(?:clinical|relevant|pertinent|brief|patient|past|medical|surgical|smoking|additional|other|provided|present)\s+){0,4}"
    r"(?:history|hx|indications?|information|details|data|background|question|statement|problem|context)"
    r"(?:\s*(?:/|and|,)\s*(?:clinical\s+)?(?:history|indications?|information|reason))?",
    r"(?:clinical|admitting|admission|provisional|working|referring|ordering)\s+(?:diagnosis|notes?|concern|impression)",
    rf"(?:indications?|reasons?)(?:\s+for\s+(?:the\s+|this\s+)?{_EXAM})?",
    r"(?:chief\s+)?complaints?|symptoms?|signs\s+and\s+symptoms",
    rf"comparisons?(?:\s+(?:{_EXAM}|films?|radiographs?|made|date|to))?|(?:prior|previous)s?(?:\s+{_EXAM})?",
    r"techniques?|protocol|contrast|(?:radiation\s+)?dose|fluoro(?:scopy)?\s+time",
    rf"{_EXAM}(?:\s+(?:type|date|performed|description|comments?|name|code|title))?",
    rf"(?:type|date|time|name)\s+of\s+{_EXAM}|(?:report|service)\s+(?:date|time)|dates?(?:\s+of\s+service)?",
    r"(?:number\s+of\s+)?views?|recommendations?(?:\(s\))?|recommended|follow-?\s*up|plan|advice",
    r"(?:critical\s+)?(?:results?\s+)?(?:notifications?|communications?)|disclaimer|accession(?:\s+number)?",
    r"(?:electronically\s+)?(?:signed|dictated|read|reviewed|interpreted|transcribed|approved|verified|reported)\s+by",
    r"(?:attending|resident|radiologist|referring|ordering)(?:\s+(?:physician|provider|radiologist|md))?",
    r"mrn|dob|age|sex|gender|name|patient(?:\s+(?:name|id))?|location|ward|department|hospital",
)
# Sections that do; where one of them stands, a preliminary reading gives way to it.
_FINAL = (
    r"findings?(?:\s*(?:/|and|&)\s*impressions?)?|impressions?(?:\s*/\s*recommendations?)?",
    r"conclusions?|opinion|interpretation|(?:radiological\s+|final\s+)?diagnosis|summary|narrative|results?|discussion",
)
_READ = (
    r"(?:final\s+|radiology\s+)?report|comments?|addendum|observations?|description",
    r"lungs?(?:\s*(?:/|and|&)\s*(?:pleura|airways?|pleural\s+spaces?))?|heart(?:\s*(?:/|and|&)\s*(?:mediastinum|vessels))?",
    r"pleura(?:l\s+spaces?)?|(?:cardio)?mediastinum|cardiac(?:\s+silhouette)?|hil(?:a|um)|bones?|osseous(?:\s+structures)?",
    r"(?:support\s+(?:and\s+monitoring\s+)?)?devices?|(?:support\s+)?(?:lines?|tubes?)(?:\s*(?:/|and|&|,)\s*(?:lines?|tubes?)){0,3}",
    r"soft\s+tissues?|upper\s+abdomen|airways?|trachea|diaphragms?|other(?:\s+findings)?",
    r"(?:(?:portable|upright|supine|semi-?\s?upright|erect|bedside|single|one|two|1|2|frontal|lateral|ap|pa|and|,|&|/)\s*){0,12}"
    r"(?:cxr|chest|views?|radiographs?|x-?rays?|films?)\b[^:.\n]{0,50}",
)
_PRELIMINARY = r"(?:wet|preliminary)\s+(?:read|report|interpretation)"

_KINDS = {"final": _FINAL, "preliminary": (_PRELIMINARY,), "read": _READ, "skipped": _SKIPPED}
_NAMES = "|".join(f"(?P<{kind}>{'|'.join(patterns)})" for kind, patterns in _KINDS.items())
_HEADER = re.compile(rf"(?<![^\W_])(?:{_NAMES})\s*:", re.IGNORECASE)
# Headers that need no colon where they stand alone on a line.
_ALONE = {
    **dict.fromkeys(("findings", "impression", "conclusion"), "final"),
    **dict.fromkeys(
        ("history", "clinical history", "indication", "clinical indication", "clinical information"), "skipped"
    ),
    **dict.fromkeys(("comparison", "technique", "recommendation", "recommendations", "reason for exam"), "skipped"),
}
_BLANK_LINE = re.compile(r"\S[^\S\n]*\n[^\S\n]*\n")
_FIRST_SENTENCE = re.compile(r"[.?](?:\s|$)")
# A header of another kind ends a skipped section too; only here does case count.
_UNKNOWN = re.compile(r"^[ \t]*[A-Z][A-Z /,&()-]{2,40}:", re.MULTILINE)

_QUALIFIER = re.compile(r"\b(?:negative|positive)[ \t]+\Z", re.IGNORECASE)
_NO = re.compile(r"\bno[ \t]+(?:acute[ \t]+)?\Z", re.IGNORECASE)


class Section(NamedTuple):
    """text[start:end], without its header unless that belongs to what is said ("Heart: normal")."""

    start: int
    end: int


class _Header(NamedTuple):
    start: int
    end: int
    kind: str


def sections(text: str) -> list[Section]:
    """The parts of a report that say what the film shows, in order.

    Example:
        >>> text = "HISTORY: Pneumonia. FINDINGS: No effusion. RECOMMENDATION: Repeat to exclude a mass."
        >>> [text[part.start : part.end].strip() for part in sections(text)]
        ['No effusion.']
    """
    headers = _headers(text)
    final = any(header.kind == "final" for header in headers)
    ends = [*(header.start for header in headers[1:]), len(text)] if headers else []
    found = [Section(0, headers[0].start if headers else len(text))]
    for number, (header, end) in enumerate(zip(headers, ends, strict=True)):
        if header.kind == "skipped":
            last = number == len(headers) - 1
            found.append(Section(_end_of_skipped(text, header.end, end, last and not final), end))
        elif header.kind == "read":
            found.append(Section(header.start, end))  # "Pleura: normal" needs its first word
        elif header.kind == "final" or not final:
            found.append(Section(header.end, end))
    return [part for part in found if text[part.start : part.end].strip()]


def _headers(text: str) -> list[_Header]:
    known = [_Header(match.start(), match.end(), match.lastgroup or "") for match in _HEADER.finditer(text)]
    known = [_qualified(header, text) for header in known]
    known += _headers_alone(text)
    known += [
        _Header(match.start(), match.end(), "read")
        for match in _UNKNOWN.finditer(text)
        if not any(header.start < match.end() and match.start() < header.end for header in known)
    ]
    return _without_labels(sorted(known), text)


def _qualified(header: _Header, text: str) -> _Header:
    """A header whose words are read, since they say something of what follows: "Negative findings:"."""
    before = _QUALIFIER.search(text, max(0, header.start - 12), header.start)
    if before is None or text[: before.start()].rstrip().endswith((":", "=")):  # the answer to the label before it
        return header
    return header._replace(start=before.start(), kind="read")


def _without_labels(headers: list[_Header], text: str) -> list[_Header]:
    """Without the last words of longer labels ("Endotracheal tube:") in a part that is read anyway."""
    kept: list[_Header] = []
    for header in headers:
        read_before = not kept or kept[-1].kind in ("final", "read")
        before = text[max(0, header.start - 3) : header.start]
        if header.kind == "read" and read_before and before[-1:] == " " and before.strip()[-1:].isalnum():
            continue
        if _NO.search(text, max(0, header.start - 10), header.start):  # "No Finding: Yes"
            continue
        kept.append(header)
    return kept


def _headers_alone(text: str) -> list[_Header]:
    """Lines that are nothing but a header, at the beginning or after an empty line, a header or a finished sentence."""
    found, start, before = [], 0, ""
    for line in text.splitlines(keepends=True):
        plain = line.strip()
        kind = _ALONE.get(plain.lower())
        if kind is not None and (plain.isupper() or not before or before[-1] in ".:"):
            found.append(_Header(start, start + len(line), kind))
        start, before = start + len(line), plain
    return found


def _end_of_skipped(text: str, start: int, end: int, nothing_else: bool) -> int:
    """A skipped section ends at a blank line: what follows is often read without a header of its own.

    Where a report has no other header at all, its first sentence is skipped and the rest read.
    """
    blank = _BLANK_LINE.search(text, start, end)
    if blank is not None:
        return blank.end()
    sentence = _FIRST_SENTENCE.search(text, start, end) if nothing_else else None
    return sentence.end() if sentence else end
