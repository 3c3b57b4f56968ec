"""Deflated data: never more of it than is asked for, so that a small file cannot become a large one."""

import zlib

RAW, GZIP = -zlib.MAX_WBITS, zlib.MAX_WBITS + 16
"""`kind` of a bare deflate stream, as DICOM has it, and of a gzip stream."""
MOST_MEMBERS = 100_000
"""Of a gzip file; writers that work in blocks make one of some 64 KiB."""
_STEP, _PIECE = 1 << 20, 1 << 14


class InflateError(ValueError):
    """A stream that holds more than it may, that ends too soon, or that is no stream of its kind."""


def inflate(data: bytes, most: int, *, kind: int = RAW) -> bytes:
    """Return what a deflated stream holds, or refuse it as soon as that is more than `most` bytes.

    Args:
        data: the stream; of a gzip file all of its members. What follows a bare stream is left alone, as are zeros
            behind the last member.
        most: bytes that it may hold; no more than one step of a megabyte beyond them is ever made.
        kind: `RAW` or `GZIP`, whose checksum is checked.

    Raises:
        InflateError: saying which of the three it was.

    Example:
        >>> import gzip
        >>> inflate(gzip.compress(b"film"), 4, kind=GZIP)
        b'film'
    """
    parts: list[bytes] = []
    left, at = most, 0
    for _ in range(MOST_MEMBERS):
        found, at = _member(data, at, left, kind)
        parts += found
        left -= sum(map(len, found))
        if kind != GZIP or (at := _beyond_zeros(data, at)) == len(data):
            return b"".join(parts)
    raise InflateError(f"more than {MOST_MEMBERS} gzip members")


def start_of(data: bytes, length: int, *, kind: int = RAW) -> bytes:
    """Return the first `length` bytes of what a stream holds, fewer where it holds fewer.

    Raises:
        InflateError: it is no stream of its kind.
    """
    try:
        return zlib.decompressobj(kind).decompress(data, length)
    except zlib.error as error:
        raise InflateError(f"damaged deflated data ({error})") from error


def _member(data: bytes, at: int, most: int, kind: int) -> tuple[list[bytes], int]:
    """Inflate the stream that begins at a place; return its parts and the place behind it."""
    stream = zlib.decompressobj(kind)
    parts, size, rest = [], 0, b""
    try:
        while not stream.eof:
            # Small pieces: zlib copies what it was given and did not use.
            rest = rest or data[at : at + _PIECE]
            part = stream.decompress(rest, _STEP)
            if not (rest or part):
                raise InflateError("the deflated data have no end")
            at += len(rest) - len(stream.unconsumed_tail) - len(stream.unused_data)
            rest = stream.unconsumed_tail
            size += len(part)
            if size > most:
                raise InflateError(f"more than {most} bytes once inflated")
            parts.append(part)
    except zlib.error as error:
        raise InflateError(f"damaged deflated data ({error})") from error
    return parts, at


def _beyond_zeros(data: bytes, at: int) -> int:
    while at < len(data) and not data[at]:
        piece = data[at : at + _PIECE]
        at += len(piece) - len(piece.lstrip(b"\0"))
    return at
