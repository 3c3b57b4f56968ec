"""Ready-made `Compose` chains in MONAI's configuration language: find them, change their settings, build them."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

_PACKAGE = Path(__file__).resolve().parent
# The wheel carries them inside the package; a checkout has them beside it.
PLACES = (_PACKAGE / "_chains", _PACKAGE.parent / "transforms")


def chain_names() -> tuple[str, ...]:
    """Names of the chains that ship.

    Example:
        >>> chain_names()
        ('classification', 'detection', 'drop_in', 'pseudo_normals', 'segmentation', 'severity_regression')
    """
    return tuple(sorted(path.stem for path in _folder().glob("*.json")))


def chain_path(name: str) -> Path:
    """The configuration file of a chain, to copy or to read.

    Raises:
        ValueError: no such chain.
    """
    if name not in chain_names():
        raise ValueError(f"no chain is named {name!r}; there are {', '.join(chain_names())}.")
    return _folder() / f"{name}.json"


def load_chain(name: str, part: str = "train", **settings: Any) -> Any:
    """Build a part of a chain.

    Args:
        name: one of `chain_names()`.
        part: "train", "validation" or, where the chain has one, "loss".
        **settings: new values of the chain's top-level settings, such as `prob=0.3`, `vocabulary="chexpert-14"` or
            `seed_key="sample_seed"`; see the file for all of them.

    Returns:
        A `monai.transforms.Compose`, or the loss.

    Raises:
        ValueError: no such chain, part or setting.

    Example:
        >>> type(load_chain("drop_in", prob=0.3)).__name__
        'Compose'
    """
    parser = ConfigParser()
    parser.read_config(chain_path(name))
    config: Any = parser.config  # MONAI types it as any item of a configuration
    known = [key for key in config if not key.startswith("_")]
    for key in (part, *settings):
        if key not in known:
            close = get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}" if close else f"it has {', '.join(known)}"
            raise ValueError(f"the chain {name!r} has no {key!r}; {hint}.")
    parser.update(settings)
    return parser.get_parsed_content(part)


def _folder() -> Path:
    for place in PLACES:
        if (place / "README.md").is_file():
            return place
    raise FileNotFoundError(
        f"the chains were looked for in {' and '.join(map(str, PLACES))} and not found; install monai-cars again."
    )
