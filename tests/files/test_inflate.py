import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_cars.files import inflate as inflating
from monai_cars.files.inflate import GZIP, RAW, InflateError, inflate, start_of


def deflated(data):
    stream = zlib.compressobj(wbits=RAW)
    return stream.compress(data) + stream.flush()


@given(st.binary(max_size=5000), st.binary(max_size=9))
def test_what_was_deflated_comes_back(data, behind):
    assert inflate(deflated(data) + behind, len(data)) == data
    assert inflate(gzip.compress(data) + b"\0" * len(behind), len(data), kind=GZIP) == data
    assert start_of(deflated(data), 100) == data[:100] or not data


@given(st.lists(st.binary(min_size=1, max_size=100), min_size=1, max_size=9))
def test_all_members_of_a_gzip_file_are_read_and_counted(parts):
    data = b"".join(gzip.compress(part) for part in parts)
    whole = b"".join(parts)
    assert inflate(data, len(whole), kind=GZIP) == whole == gzip.decompress(data)
    with pytest.raises(InflateError, match="bytes once inflated"):
        inflate(data, len(whole) - 1, kind=GZIP)


@pytest.mark.parametrize("kind", [RAW, GZIP])
def test_a_bomb_stops_at_the_limit(kind):
    stream = zlib.compressobj(9, wbits=kind)
    data = b"".join([*(stream.compress(bytes(1 << 20)) for _ in range(256)), stream.flush()])
    assert len(data) < 300_000
    with pytest.raises(InflateError, match="more than 5000000 bytes once inflated"):
        inflate(data, 5_000_000, kind=kind)
    assert start_of(data, 100, kind=kind) == bytes(100)


def test_damaged_and_cut_streams_are_refused(monkeypatch):
    data = deflated(b"film" * 1000)
    with pytest.raises(InflateError, match="the deflated data have no end"):
        inflate(data[:-1], 4000)
    with pytest.raises(InflateError, match="damaged deflated data"):
        inflate(b"\xff" * 100, 4000)
    with pytest.raises(InflateError, match="damaged deflated data"):
        start_of(b"\xff" * 100, 40)
    wrong = bytearray(gzip.compress(b"film" * 1000))
    wrong[-8] ^= 1
    with pytest.raises(InflateError, match="damaged deflated data"):
        inflate(bytes(wrong), 4000, kind=GZIP)
    monkeypatch.setattr(inflating, "MOST_MEMBERS", 3)
    with pytest.raises(InflateError, match="more than 3 gzip members"):
        inflate(gzip.compress(b"") * 4, 10, kind=GZIP)
