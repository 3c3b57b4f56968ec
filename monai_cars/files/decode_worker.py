"""The child's side of decoding: the only place where native decoders run (see `monai_cars.files.decode_process`)."""

import json
import logging
import os
import signal
import struct
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from monai_cars.echo import cause
from monai_cars.files.dicom_parsing import parse
from monai_cars.files.native import MOST_PIXELS

READY = b"ready\n"
JPEG_2000 = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 201, 202, 203))
MEMORY = 9 << 27
"""Bytes that a decoder may take beside the child's own: a decompression bomb ends there."""


def read_dicom(path: str) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the pixel array of a DICOM file and no notes."""
    import pydicom

    film = parse(Path(path).read_bytes())
    if film.file_meta.TransferSyntaxUID == pydicom.uid.JPEGExtended12Bit and film.BitsStored > 8:
        return _extended_jpeg(path), {}
    if film.get("PixelRepresentation") is None:
        film.PixelRepresentation = 0
    film.pixel_array_options(correct_unused_bits=False)  # the caller looks at them
    if film.file_meta.TransferSyntaxUID in JPEG_2000:
        _check_tiles(pydicom.encaps.get_frame(film.PixelData, 0, number_of_frames=1))
    return film.pixel_array, {}


def _check_tiles(stream: bytes) -> None:
    """Refuse a JPEG 2000 codestream that lacks tiles of its image: decoders leave those black and say nothing."""
    at = stream.find(b"\xff\x4f\xff\x51")
    if at < 0:
        raise ValueError("the JPEG 2000 codestream has no beginning")
    right, bottom, _, _, width, height, left, top = struct.unpack(">8I", stream[at + 8 : at + 40])
    tiles = -((left - right) // width) * -((top - bottom) // height) if width and height else 0
    # A tile begins with this marker, which the coded values never hold.
    parts = stream.count(b"\xff\x90\x00\x0a", at)
    if not 0 < tiles <= parts:
        raise ValueError(f"the JPEG 2000 codestream has {parts} parts for {tiles} tiles")


def _extended_jpeg(path: str) -> np.ndarray:
    """Decode 12-bit JPEG, which pydicom does not pass to GDCM although GDCM decodes it as libjpeg-turbo does."""
    import gdcm

    reader = gdcm.ImageReader()
    reader.SetFileName(path)
    if not reader.Read():
        raise ValueError("GDCM cannot read the file")
    film = reader.GetImage()
    columns, rows = film.GetDimension(0), film.GetDimension(1)
    depth = film.GetPixelFormat()
    kind = f"{'i' if depth.GetPixelRepresentation() else 'u'}{depth.GetBitsAllocated() // 8}"
    return np.frombuffer(film.GetBuffer().encode("utf-8", "surrogateescape"), "<" + kind).reshape(rows, columns)


def read_raster(path: str) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the values of a PNG or JPEG; palettes become RGB or RGBA.

    Notes: the mode, the file's text entries, and the value of a 16-bit PNG that is transparent.
    """
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # the caller has checked the size that the file states first; a second one is below
    with Image.open(path, formats=("PNG", "JPEG")) as film:
        if film.width * film.height * len(film.getbands()) > MOST_PIXELS:
            raise ValueError("more pixels than the file states at its start")
        mode, key = film.mode, film.info.get("transparency")
        text = {name: entry for name, entry in film.info.items() if isinstance(name, str) and isinstance(entry, str)}
        film.load()
        if mode.startswith("I"):  # RGBA has 8 bits
            return np.asarray(film), {"mode": mode, "text": text, **({} if key is None else {"transparent": int(key)})}
        coloured = mode in ("P", "PA") or key is not None
        values = film.convert("RGBA" if key is not None else "RGB") if coloured else film
        return np.asarray(values), {"mode": values.mode, "text": text}


def _answer(request: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    try:
        values, notes = {"dicom": read_dicom, "raster": read_raster}[request["kind"]](request["path"])
        values = np.ascontiguousarray(values)
        return {"shape": values.shape, "dtype": values.dtype.str, "notes": notes}, values.reshape(-1).view(np.uint8)
    except Exception as error:
        return {"error": cause(error)}, np.zeros(0, np.uint8)


def serve() -> None:
    """Read one JSON request a line on stdin; answer each with a JSON line and the values' bytes on stdout."""
    warnings.simplefilter("ignore")
    logging.disable()
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # native decoders print to stdout
    _limit_memory()
    replies.write(READY)
    replies.flush()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if hasattr(signal, "alarm"):
            signal.alarm(int(request["seconds"]) + 5)  # its default action ends a hang whose parent has gone
        head, body = _answer(request)
        if hasattr(signal, "alarm"):
            signal.alarm(0)
        replies.write(json.dumps(head).encode() + b"\n")
        replies.write(body.data)
        replies.flush()
        del body


def _limit_memory() -> None:
    """Refuse the child more address space; the parent watches what it really uses, where this is not to be had."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except (ImportError, ValueError, OSError):
        pass  # not on this system


if __name__ == "__main__":
    serve()
