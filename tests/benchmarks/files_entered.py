"""Files of monai_cars/ of which one edit runs any function: for `house_figures.py --entered`, in a process of its own.

    PYTHONPATH=../a-checkout python tests/benchmarks/files_entered.py

prints a JSON object, name of the edit -> the files. Each edit runs once before it is counted: modules are imported
then, weights and thresholds at hand; what was remembered of the film is forgotten again. The gate is made within what
is counted, the anatomy of the film before. The import paths are the earlier ones, which every checkout answers.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

import torch
from monai_cars.anatomy import load_segmenter
from monai_cars.counterfactual import make_counterfactual
from monai_cars.edit import Edit
from monai_cars.radiograph import Radiograph, read_radiograph
from pydicom.data import get_testdata_file

import monai_cars
from monai_cars.gates import default_gate

PACKAGE = Path(monai_cars.__file__).resolve().parent
FILM = "RG1_UNCR.dcm"
EDITS = {
    "effusion, cheap gate": ("effusion", "cheap"),
    "pneumothorax, full gate": ("pneumothorax", "full"),
}
"""What is counted: its finding and the profile of its gate."""


def entered(run: Callable[[], object]) -> list[str]:
    """Files of the package whose functions ran in it, without the running of modules themselves; sorted, relative."""
    found: set[str] = set()

    def seen(frame: FrameType, event: str, arg: object) -> None:
        if event == "call" and frame.f_code.co_name != "<module>":
            found.add(frame.f_code.co_filename)

    threading.setprofile(seen)
    sys.setprofile(seen)
    try:
        run()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    paths = (Path(name).resolve() for name in found if name.endswith(".py"))
    return sorted(path.relative_to(PACKAGE).as_posix() for path in paths if path.is_relative_to(PACKAGE))


def forget() -> None:
    """Forget what is remembered of films, wherever the checkout keeps it."""
    for name in [name for name in sys.modules if name.startswith("monai_cars.") and name.endswith(".film_memory")]:
        sys.modules[name].MEMORY.forget()


def insert(film: Radiograph, anatomy: torch.Tensor, finding: str, profile: str) -> None:
    """One insertion; the full gate segments the film again with the shipped segmenter.

    Raises:
        RuntimeError: it abstained, so that less ran than an edit takes.
    """
    gate = default_gate(finding, "insert", profile)
    segmenter = load_segmenter() if profile == "full" else None
    edit = Edit("insert", finding, seed=1)
    made = make_counterfactual(film.image, anatomy, edit, header=film.header, gate=gate, segmenter=segmenter)
    if not made.accepted:
        raise RuntimeError(f"{finding} was not accepted under the {profile} gate: {made.record['reason']}")


def main() -> None:
    """Count each edit and print the lists."""
    film = read_radiograph(get_testdata_file(FILM))
    anatomy = load_segmenter()(film.image)
    lists = {}
    for name, (finding, profile) in EDITS.items():
        run = partial(insert, film, anatomy, finding, profile)
        run()
        forget()
        lists[name] = entered(run)
    print(json.dumps(lists))


if __name__ == "__main__":
    main()
