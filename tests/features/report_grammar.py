"""Sentences and filled-in templates of known truth: finding x polarity x construction x layout, drawn by a seed.

The constructions and layouts are data, in `reports/constructions.yaml` and `reports/layouts.yaml`.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator
from typing import NamedTuple

from report_cases import read

from monai_cars.features import from_report

TRUTH = {"present": 1.0, "absent": 0.0, "unsure": math.nan}
# What a report may call each; none implies another, so that a list may say yes to one and no to the next.
FINDINGS = {
    "Cardiomegaly": ("cardiomegaly", "enlarged heart", "cardiac enlargement"),
    "Edema": ("edema", "pulmonary edema", "pulmonary oedema", "interstitial edema"),
    "Pleural Effusion": ("pleural effusion", "effusion", "pleural fluid"),
    "Pneumothorax": ("pneumothorax", "apical pneumothorax", "ptx"),
    "Consolidation": ("consolidation", "airspace consolidation", "focal consolidation"),
    "Atelectasis": ("atelectasis", "basal atelectasis", "linear atelectasis"),
    "Lung Lesion": ("nodule", "lung nodule", "lung mass", "pulmonary nodule"),
    "Fracture": ("fracture", "rib fracture"),
    "Pleural Other": ("pleural thickening", "pleural plaque"),
}
LABELS = {
    "Cardiomegaly": ("cardiomegaly", "enlarged heart"),
    "Edema": ("edema", "pulmonary edema", "pulmonary oedema"),
    "Pleural Effusion": ("pleural effusion", "effusion", "pleural effusions"),
    "Pneumothorax": ("pneumothorax", "right pneumothorax"),
    "Consolidation": ("consolidation", "focal consolidation"),
    "Atelectasis": ("atelectasis",),
    "Lung Lesion": ("lung lesion", "nodule", "lung nodule", "mass"),
    "Fracture": ("fracture", "rib fracture", "fractures"),
    "Support Devices": ("support devices", "endotracheal tube", "lines and tubes"),
    "Enlarged Cardiomediastinum": ("enlarged cardiomediastinum",),
}
ONE_SIDED = ("Pleural Effusion", "Pneumothorax", "Lung Lesion", "Fracture")  # a heart has no right one
JOINS = {
    "newline": ("\n", ""),
    "empty line": ("\n\n", ""),
    ";": ("; ", ""),
    ",": (", ", ""),
    ".": (". ", ""),
    "space": (" ", ""),
    "bullet": ("\n", "- "),
    "star": ("\n", "* "),
    "dot": ("\n", "• "),
    "number": ("\n", "{n}. "),
}
CASES = (str.lower, str.capitalize, str.title, str.upper)
PLUS = [("+", "-")]
_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
_WRAP = 38  # columns of a narrow report


class Case(NamedTuple):
    """A text and the truth of each finding that it names (CheXpert-14).

    Attributes:
        construction: what it tries, for counts.
        layout: how it is laid out.
        text: the report.
        truth: finding -> 1, 0 or NaN (in doubt, or only asked for).
    """

    construction: str
    layout: str
    text: str
    truth: dict[str, float]


class Reading(NamedTuple):
    """What `from_report` makes of a case: findings whose polarity is turned round, and all that differ."""

    flipped: tuple[str, ...]
    wrong: tuple[str, ...]


def cases(count: int, seed: int = 0) -> Iterator[Case]:
    """`count` cases, sentences and templates by turns."""
    draw = random.Random(seed)
    groups = read("constructions")
    layouts = read("layouts")
    for number in range(count):
        yield _template(draw, layouts) if number % 2 else _sentence(draw, groups)


def reading(case: Case) -> Reading:
    """How the reader does on a case."""
    seen = from_report(case.text)
    wrong = [name for name, value in case.truth.items() if not _same(seen[name], value)]
    flipped = [name for name in wrong if {seen[name], case.truth[name]} == {0.0, 1.0}]
    return Reading(tuple(flipped), tuple(wrong))


def _same(got: float, wanted: float) -> bool:
    return got == wanted or (math.isnan(got) and math.isnan(wanted))


def _sentence(draw: random.Random, groups: dict[str, dict[str, list[str]]]) -> Case:
    construction = draw.choice(sorted(groups))
    polarity = draw.choice(sorted(groups[construction]))
    text = draw.choice(groups[construction][polarity])
    text = _chosen(draw, text)
    fitting = [name for name in FINDINGS if construction != "other side" or name in ONE_SIDED]
    names = draw.sample(fitting, 1) + draw.sample(sorted(FINDINGS), len(FINDINGS))
    names = list(dict.fromkeys(names))
    truth = {}
    for slot, name, value in zip(
        ("{f}", "{g}", "{h}", "{k}"), names, (TRUTH[polarity], 1.0, 0.0, math.nan), strict=False
    ):
        if slot in text:
            text, truth[name] = text.replace(slot, draw.choice(FINDINGS[name])), value
    text = text[0].upper() + text[1:]
    text = _tidied(text)
    layout, text, more = _laid_out(draw, text, [name for name in FINDINGS if name not in truth])
    return Case(construction, layout, text, truth | more)


def _tidied(text: str) -> str:
    """Articles as they are spoken, single spaces."""
    text = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", re.sub(r" +", " ", text))
    return text.replace(" .", ".").replace(" ,", ",")


def _chosen(draw: random.Random, text: str) -> str:
    while match := _CHOICE.search(text):
        text = text[: match.start()] + draw.choice(match[1].split("|")) + text[match.end() :]
    return text


def _laid_out(draw: random.Random, text: str, others: list[str]) -> tuple[str, str, dict[str, float]]:
    """A sentence alone, in capitals, wrapped, or as one line, item or sentence of several."""
    layout = draw.choice(("alone", "capitals", "lower", "wrapped", "lines", "bullets", "numbers", "prose", "headed"))
    name = draw.choice(others)
    value = draw.choice((0.0, 1.0))
    word = draw.choice(FINDINGS[name])
    other = f"There is {'no ' if not value else ''}{word}"
    plain = text.rstrip(".")
    if layout == "alone":
        return layout, text, {}
    if layout == "capitals":
        return layout, text.upper(), {}
    if layout == "lower":
        return layout, plain.lower(), {}
    if layout == "wrapped":
        return layout, _wrapped(text), {}
    laid = {
        "lines": f"{plain}\n{other}\n",
        "bullets": f"- {plain}\n- {other}",
        "numbers": f"1. {plain}.\n2. {other}.",
        "prose": f"{other}. {text}",
        "headed": f"FINDINGS: {text} IMPRESSION: {other}.",
    }
    return layout, laid[layout], {name: value}


def _wrapped(text: str) -> str:
    lines = [""]
    for word in text.split(" "):
        if len(lines[-1]) + len(word) > _WRAP:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def _template(draw: random.Random, layouts: dict[str, list]) -> Case:
    item = draw.choice(layouts["items"])
    kind = item.get("answers", "word")
    pair = draw.choice(PLUS if kind == "plus" else layouts["answers"][kind])
    join, prefix = JOINS[joined := draw.choice(item["joins"])]
    case = draw.choice(CASES)
    names = draw.sample(sorted(LABELS), draw.randint(2, 6))
    if "Cardiomegaly" in names:  # which implies it
        names = [name for name in names if name != "Enlarged Cardiomediastinum"]
    truth = {name: float(draw.random() < 0.5) for name in names}
    if kind == "plus":
        truth[names[0]] = 1.0  # a list of dashes alone is a list of bullets
    lines = []
    for number, name in enumerate(names):
        present = truth[name] == 1
        answer, opposite = pair if present else pair[::-1]
        text = item["text"].format(l=case(draw.choice(LABELS[name])), a=answer, box=answer, other=opposite)
        lines.append(prefix.format(n=number + 1) + text)
    heading = draw.choice(("", "", "FINDINGS:\n", "Findings: "))
    return Case(f"template {item['text']!r}", f"{joined}, {'/'.join(pair)}", heading + join.join(lines), truth)
