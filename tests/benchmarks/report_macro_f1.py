"""How reports are read against the MeSH tags of Open-i (Indiana University): F1 of six findings, printed.

    python tests/benchmarks/report_macro_f1.py --reports ecgen-radiology/

The folder holds one XML file a report, as https://openi.nlm.nih.gov offers them. Indexers tagged what a report names,
hedged findings too ("Pleural Effusion/borderline"), and nothing that follows from it, so "hedged counts, no hierarchy,
nothing suggested" is the reading that asks the same. Unknown counts as absent.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from monai_cars.features import from_report

# Finding of CheXpert-14 -> MeSH headings that mean it, what stands behind "/" aside.
TAGS = {
    "Cardiomegaly": ("Cardiomegaly",),
    "Pleural Effusion": ("Pleural Effusion",),
    "Pneumothorax": ("Pneumothorax", "Hydropneumothorax"),
    "Atelectasis": ("Pulmonary Atelectasis", "Atelectasis"),
    "Edema": ("Pulmonary Edema",),
    "Consolidation": ("Consolidation",),
}
READINGS = {
    "as it is": {},
    "hedged counts": {"uncertain": 1.0},
    "hedged counts, no hierarchy, nothing suggested": {"uncertain": 1.0, "hierarchy": False},
    "the same, suggested counts too": {"uncertain": 1.0, "hierarchy": False, "suggested": 1.0},
}


def reports(folder: Path) -> Iterator[tuple[str, set[str]]]:
    """Findings and impression of each report, and the findings that its tags name; none of empty ones."""
    for path in sorted(folder.rglob("*.xml")):
        root = ElementTree.parse(path).getroot()
        told = {part.get("Label", ""): (part.text or "").strip() for part in root.iter("AbstractText")}
        text = "\n\n".join(f"{name}: {told[name]}" for name in ("FINDINGS", "IMPRESSION") if told.get(name))
        headings = {(tag.text or "").split("/")[0].strip() for tag in root.iter("major")}
        if text:
            yield text, {finding for finding, names in TAGS.items() if headings.intersection(names)}


def f1(pairs: list[tuple[bool, bool]]) -> float:
    """F1 of (said, tagged) pairs; 0 where nothing was right."""
    right = sum(said and tagged for said, tagged in pairs)
    return 2 * right / max(1, sum(said + tagged for said, tagged in pairs))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=Path, required=True, help="folder with Open-i's XML files")
    arguments = parser.parse_args()
    read = list(reports(arguments.reports))
    if not read:
        parser.error(f"no report with a text in {arguments.reports}")
    print(f"{len(read)} reports\n\n| reading | macro-F1 | {' | '.join(TAGS)} |\n|---|---|{'---|' * len(TAGS)}")
    for name, options in READINGS.items():
        seen = [(from_report(text, "chexpert-14", **options), tagged) for text, tagged in read]
        scores = [f1([(vector[finding] == 1, finding in tagged) for vector, tagged in seen]) for finding in TAGS]
        print(f"| {name} | {sum(scores) / len(scores):.3f} | {' | '.join(f'{score:.2f}' for score in scores)} |")


if __name__ == "__main__":
    main()
