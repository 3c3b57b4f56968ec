"""What `fuzz.py` tries: mutated films, datalists, plans, options and runs, each from its seed and number alone."""

from __future__ import annotations

import gzip
import json
import struct
import sys
import tempfile
import warnings
import zlib
from collections.abc import Callable
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import canaries
import film_builders
from PIL import Image
from pydicom.data import get_testdata_file

from monai_cars.files.dicom_parsing import parse
from monai_cars.files.quiet import quiet
from monai_cars.files.radiograph import read_radiograph, read_volume, write_radiograph
from monai_cars.synthesis import check_options, find_sources, plan_edits
from monai_cars.synthesis.sources import Source

LARGEST_SEED = 200_000
"""Bytes of a film of pydicom's that is mutated."""
CONFIG = Path(__file__).resolve().parents[2] / "bundles" / "cars_chest_xray" / "configs" / "inference.json"
WORDS = (0, 1, 2, 7, 8, 127, 128, 255, 256, 65_535, 65_536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
DATALIST = {
    "training": [
        {
            "image": "a.png",
            "patient_id": "17",
            "findings": {"mass": 1, "effusion": 0},
            "spacing": [0.17, 0.17],
            "box": [10, 13, 72, 72],
            "box_finding": "mass",
            "note": "a film",
        },
        {"image": "b.dcm", "counterfactual": '{"edits": []}'},
    ]
}
PLAN = [
    {"operation": "insert", "finding": "nodule", "side": "left", "zone": "upper", "severity": 0.4, "seed": 3},
    {"operation": "delete", "finding": "mass"},
    {"operation": "insert", "finding": "effusion", "severity": {"value": 18, "unit": "%"}},
    {"operation": "sham", "finding": "nodule", "side": "right"},
]


@cache
def films() -> list[bytes]:
    """Small films of every format and transfer syntax, some full of names, and those of pydicom's own tests."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found += [path.read_bytes() for path in film_builders.sources(folder)]
        for syntax in film_builders.LOSSLESS:
            found.append(film_builders.transcode(folder / "m2.dcm", folder / "other.dcm", syntax).read_bytes())
        stored = film_builders.pixels(8)
        for form, options in (("JPEG", {"progressive": True}), ("PNG", {"transparency": 7}), ("PNG", {})):
            Image.fromarray(stored).save(folder / "x", form, **options)
            found.append((folder / "x").read_bytes())
        for mode in ("RGB", "P", "LA", "RGBA"):
            Image.fromarray(stored).convert(mode).save(folder / "x", "PNG")
            found.append((folder / "x").read_bytes())
        Image.fromarray(stored).convert("RGB").save(folder / "x", "JPEG")
        found.append((folder / "x").read_bytes())
    found += [canaries.png(stored), canaries.nifti(stored), *named()]
    shipped = Path(str(get_testdata_file("CT_small.dcm"))).parent.glob("*.dcm")
    found += [path.read_bytes() for path in sorted(shipped) if path.stat().st_size < LARGEST_SEED]
    return found


@cache
def named() -> list[bytes]:
    """Films with thousands of identifying values, and damaged ones."""
    stored = film_builders.pixels(8)
    whole = canaries.whole(canaries.film(stored))
    return [whole, whole, whole, *(data for _, data in islice(canaries.refused(stored), 4, 14))]


def mutated(rng: np.random.Generator, data: bytes) -> bytes:
    """A film with some faults of different kinds, one in half of the cases."""
    for _ in range(min(int(rng.geometric(0.5)), 8)):
        data = MUTATIONS[int(rng.integers(len(MUTATIONS)))](rng, data)
    return data


def _place(rng: np.random.Generator, data: bytes) -> int:
    """Somewhere, more often in the header than in the pixels."""
    return int(rng.integers(0, max(min(len(data), 4096 if rng.random() < 0.7 else len(data)), 1)))


def _bit(rng: np.random.Generator, data: bytes) -> bytes:
    changed = bytearray(data or b"\0")
    changed[_place(rng, changed)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _bytes(rng: np.random.Generator, data: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + rng.bytes(int(rng.integers(1, 16))) + data[at + int(rng.integers(16)) :]


def _number(rng: np.random.Generator, data: bytes) -> bytes:
    at, kind = _place(rng, data), "<>"[int(rng.integers(2))] + "HI"[int(rng.integers(2))]
    word = struct.pack(kind, WORDS[int(rng.integers(len(WORDS)))] & (0xFFFF if kind[1] == "H" else 0xFFFFFFFF))
    return data[:at] + word + data[at + len(word) :]


def _cut(rng: np.random.Generator, data: bytes) -> bytes:
    return data[: _place(rng, data)] if rng.random() < 0.3 else data


def _twice(rng: np.random.Generator, data: bytes) -> bytes:
    at, size = _place(rng, data), int(rng.integers(1, 600))
    return data[: at + size] + data[at:]


def _gone(rng: np.random.Generator, data: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + data[at + int(rng.integers(1, 600)) :]


def _filled(rng: np.random.Generator, data: bytes) -> bytes:
    fill = (b"\0", b"\xff", b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\x09\x00\x01\x01LO\0\0")[int(rng.integers(4))]
    at = _place(rng, data)
    return data[:at] + fill * int(rng.integers(1, 5000)) + data[at:]


def _spliced(rng: np.random.Generator, data: bytes) -> bytes:
    other = films()[int(rng.integers(len(films())))]
    return data[: _place(rng, data)] + other[_place(rng, other) :]


def _kind(rng: np.random.Generator, data: bytes) -> bytes:
    """Another value representation for an element."""
    kinds = (b"US", b"LO", b"DS", b"SQ", b"UN", b"OW", b"UT", b"PN", b"IS", b"UI", b"FD", b"AT", b"zz")
    old, new = kinds[int(rng.integers(len(kinds)))], kinds[int(rng.integers(len(kinds)))]
    return data.replace(old, new, int(rng.integers(1, 4)))


MUTATIONS: tuple[Callable[[np.random.Generator, bytes], bytes], ...] = (
    _bit, _bit, _bytes, _number, _number, _cut, _twice, _gone, _filled, _spliced, _kind,
)  # fmt: skip


def bomb(rng: np.random.Generator, folder: Path) -> bytes:
    """A small file that would become a large one, or hundreds of megabytes of nothing."""
    size = int(rng.integers(1, 120)) << 20
    plain = film_builders.dicom(folder / "plain.dcm", film_builders.pixels(), 12).read_bytes()
    packer = zlib.compressobj(1, wbits=-15)
    packed = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)), packer.flush()])
    kind = int(rng.integers(6))
    if kind == 0:
        return plain.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")[:400] + packed
    if kind == 1:
        return plain + bytes(size)
    if kind == 2:
        nifti = film_builders.nifti(folder / "x.nii", film_builders.pixels()).read_bytes()
        return gzip.compress(nifti + bytes(size), 1)
    side = int(rng.integers(3000, 10_001))
    color = (0, 2, 3, 6)[int(rng.integers(4))]
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, color, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(size), 1)),
    ]
    if kind == 4:
        chunks.insert(1, ((b"zTXt", b"iCCP")[int(rng.integers(2))], b"word\0\0" + zlib.compress(bytes(size), 1)))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in [*chunks, (b"IEND", b"")]
    )
    if kind == 5:
        return b"\xff\xd8\xff\xe0" + b"\xff" * size + b"\xff\xda\xff\xd9"
    return b"\x89PNG\r\n\x1a\n" + body


def junk(rng: np.random.Generator, depth: int = 0) -> Any:
    """A value that JSON can hold, seldom a sensible one."""
    plain = (
        None, True, -1, 0, 2**70, 1e308, float("nan"), float("inf"), "", "a" * 5000, "\ud800", "\u202et", "\x00\x1b[2J",
        "nodule", "../../x", "/etc/passwd", [], {}, [0.1], [1, 2, 3, 4], {"value": "x"}, [[[[]]]], "1e9", -0.0,
    )  # fmt: skip
    if depth < 3 and rng.random() < 0.3:
        return [junk(rng, depth + 1) for _ in range(int(rng.integers(5)))]
    return plain[int(rng.integers(len(plain)))]


def spoilt(rng: np.random.Generator, content: Any) -> Any:
    """A copy of a JSON value in which some parts were replaced, left out or added."""
    if rng.random() < 0.04:
        return junk(rng)
    if isinstance(content, dict):
        kept = {name: spoilt(rng, value) for name, value in content.items() if rng.random() > 0.03}
        return kept | ({str(junk(rng))[:50]: junk(rng)} if rng.random() < 0.1 else {})
    if isinstance(content, list):
        return [spoilt(rng, value) for value in content for _ in range(1 + int(rng.random() < 0.05))]
    return content


def try_film(rng: np.random.Generator, folder: Path) -> None:
    """Read a mutated film; what is read is sometimes written too."""
    data = films()[int(rng.integers(len(films())))]
    path = folder / "film"
    path.write_bytes(mutated(rng, data))
    film = read_radiograph(path, check=bool(rng.random() < 0.5))
    if rng.random() < 0.2:
        suffix = film_builders.FORMATS[int(rng.integers(len(film_builders.FORMATS)))]
        write_radiograph(folder / f"out{suffix}", film.image, header=film.header, support=film.image * 0)


def try_volume(rng: np.random.Generator, folder: Path) -> None:
    """Read a mutated NIfTI as a volume."""
    data = film_builders.nifti(folder / "x.nii", film_builders.pixels(8, shape=(144, 160)), shape=(36, 40, 16))
    (folder / "film").write_bytes(mutated(rng, data.read_bytes()))
    read_volume(folder / "film")


def try_parse(rng: np.random.Generator, folder: Path) -> None:
    """Read one of the films of thousands of names with faults in its header."""
    (folder / "film").write_bytes(mutated(rng, named()[int(rng.integers(len(named())))]))
    read_radiograph(folder / "film")


def try_bomb(rng: np.random.Generator, folder: Path) -> None:
    """Read a small file that would cost much."""
    (folder / "film").write_bytes(bomb(rng, folder))
    read_radiograph(folder / "film")


def try_datalist(rng: np.random.Generator, folder: Path) -> None:
    """Read a mutated datalist."""
    text = json.dumps(spoilt(rng, DATALIST)).encode("utf-8", "surrogatepass")
    if rng.random() < 0.3:
        text = mutated(rng, text)
    if rng.random() < 0.02:
        text = b"[" * 100_000
    (folder / "list.json").write_bytes(text)
    find_sources(folder / "list.json")


def try_plan(rng: np.random.Generator, folder: Path) -> None:
    """Plan mutated rows for mutated films."""
    box = None if rng.random() < 0.5 else (1.0, 1.0, 20.0, 20.0)
    source = Source(folder / "a.png", "a.png", box=box, box_finding="mass" if box else None)
    plan_edits([source], spoilt(rng, PLAN), seed=junk(rng) if rng.random() < 0.2 else 3)


def try_options(rng: np.random.Generator, folder: Path) -> None:
    """Check a mutated command line."""
    names = [
        "--dataset_dir",
        "--edits",
        "--seed",
        "--gate",
        "--editz",
        "--",
        "-x",
        "=",
        "--seed=1",
        str(junk(rng))[:300],
    ]
    check_options(CONFIG, ["run", *(names[int(rng.integers(len(names)))] for _ in range(4))])


def try_run(rng: np.random.Generator, folder: Path) -> None:
    """Run over a folder of damaged films, with options that may be nonsense."""
    from phantom_run import films as draw
    from phantom_run import phantom_run

    from monai_cars.reporting.html_report import write_report

    draw(folder / "films", count=1)
    for number in range(6):
        data = films()[int(rng.integers(len(films())))]
        (folder / "films" / f"{number}.dcm").write_bytes(mutated(rng, data))
    options = (
        {} if rng.random() < 0.5 else {("max_attempts", "axes", "created", "profile")[int(rng.integers(4))]: junk(rng)}
    )
    phantom_run(folder, edits=spoilt(rng, PLAN) if rng.random() < 0.3 else PLAN[:1], **options).run()
    write_report(folder / "run")


KINDS: dict[str, tuple[float, Callable[[np.random.Generator, Path], None]]] = {
    "film": (0.74, try_film),
    "named film": (0.08, try_parse),
    "volume": (0.04, try_volume),
    "datalist": (0.07, try_datalist),
    "plan": (0.04, try_plan),
    "options": (0.0283, try_options),
    "bomb": (0.0007, try_bomb),
    "run": (0.001, try_run),
}
"""Kind -> its share of the inputs and what is done with one."""


def kind_of(rng: np.random.Generator) -> str:
    """The kind of an input, by the shares."""
    shares = np.array([share for share, _ in KINDS.values()])
    return list(KINDS)[int(rng.choice(len(shares), p=shares / shares.sum()))]


def warm() -> None:
    """What is made once, before time is taken."""
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        films()
        parse(named()[0])
