import hashlib
import socket
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save

from hub.server import TOKEN
from monai_cars.weights import WeightsError, WeightsRecord, fetch, load_record, read_weights, record_of

SMALL = save({"a": torch.arange(4000.0).half()})
FILE = "models/small.safetensors"


@pytest.fixture
def record(hub):
    """A record of a small file that the loopback Hub has and nobody ships."""
    sha = hub.repository("me/lungs").commit({FILE: SMALL, "README.md": b"lungs"})
    return WeightsRecord(
        "small", "", FILE, hashlib.sha256(SMALL).hexdigest(), "Apache-2.0", "nothing", repo_id="me/lungs", revision=sha
    )


def downloads(hub):
    return sum(n for request, n in hub.requests.items() if request.startswith("GET /storage"))


def leftovers(cache):
    return [path for path in Path(cache).rglob("*") if path.is_file() and "small" in path.name]


def test_a_file_is_downloaded_once_and_then_comes_from_the_cache(hub, record):
    path = fetch(record)
    assert path.read_bytes() == SMALL
    assert read_weights(record)["a"].dtype == torch.float32
    assert downloads(hub) == 1
    asked = hub.requests.total()
    assert fetch(record) == path
    assert hub.requests.total() == asked  # a commit cannot change: the cache is enough


def test_a_cut_download_goes_on_where_it_was_cut(hub, record):
    hub.faults.cut, hub.faults.cut_at = 1, 3000
    assert fetch(record).read_bytes() == SMALL
    assert hub.ranges[-1].startswith("bytes=3000-")


def test_a_download_that_is_cut_for_good_leaves_nothing_in_place_and_goes_on_the_next_time(hub, record):
    hub.faults.cut, hub.faults.cut_at, hub.faults.cut_for_good = 1, 2000, True
    with pytest.raises(WeightsError, match=r"'small' did not come: .*attempts failed.* what was received is kept"):
        fetch(record)
    assert not leftovers(constants.HF_HUB_CACHE)
    hub.faults.dead = False
    assert fetch(record).read_bytes() == SMALL
    assert hub.ranges[-1].startswith("bytes=2000-")


def test_an_unavailable_hub_is_asked_again(hub, record):
    hub.faults.unavailable = 2
    assert fetch(record).read_bytes() == SMALL


def test_altered_bytes_are_refused_and_not_kept(hub, record):
    hub.faults.tampered = True
    with pytest.raises(WeightsError, match=r"must have the SHA-256 .*recorded for 'small' \(got sha256:.*try again"):
        fetch(record)
    assert not leftovers(constants.HF_HUB_CACHE)
    hub.faults.tampered = False
    assert fetch(record).read_bytes() == SMALL


def test_a_file_altered_in_the_cache_is_refused_and_fetched_anew(hub, record):
    path = fetch(record)
    path.resolve().write_bytes(SMALL[:-1])
    with pytest.raises(WeightsError, match="taken out of the cache"):
        fetch(record)
    assert fetch(record).read_bytes() == SMALL


def test_without_a_recorded_hash_what_the_hub_states_is_checked(hub, record):
    spec = f"me/lungs/{FILE}@{record.revision}"
    path = fetch(record_of(spec))
    assert path.read_bytes() == SMALL
    path.resolve().write_bytes(SMALL[:-1])
    with pytest.raises(WeightsError, match=r"must have the SHA-256 sha256:"):
        fetch(record_of(spec))
    with pytest.raises(WeightsError, match=r"must have the SHA-256 sha256:0000"):
        fetch(record_of(f"{spec}#sha256={64 * '0'}"))


def test_a_gated_repository_needs_a_token(hub, record, monkeypatch):
    hub.repositories["me/lungs"].gated = True
    with pytest.raises(WeightsError, match=r"the repository is gated; accept its terms .* HF_TOKEN"):
        fetch(record)
    assert fetch(record, token=TOKEN).read_bytes() == SMALL


def test_what_is_not_there_is_named(hub, record):
    with pytest.raises(WeightsError, match=r"'me/livers' .*no such repository, or it is private"):
        fetch(replace(record, repo_id="me/livers"))
    with pytest.raises(WeightsError, match="the repository has no such commit"):
        fetch(replace(record, revision=40 * "0"))
    with pytest.raises(WeightsError, match=r"'other.safetensors' .*the commit holds no such file"):
        fetch(replace(record, file="other.safetensors"))


def test_a_revision_is_a_commit_and_stays_it(hub, record):
    old = record.revision
    hub.repositories["me/lungs"].commit({FILE: save({"a": torch.zeros(3)})})
    assert fetch(replace(record, revision=old)).read_bytes() == SMALL
    with pytest.raises(WeightsError, match=r"the revision must be the 40 hexadecimal digits of a commit .got 'main'"):
        record_of(f"me/lungs/{FILE}@main")
    with pytest.raises(WeightsError, match="sha256 must have 64 hexadecimal digits"):
        record_of(f"me/lungs/{FILE}@{old}#sha256=abc")


def test_offline_the_cache_is_enough_and_else_it_is_said(hub, record, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match=r"HF_HUB_OFFLINE.* does not hold the file; download it once"):
        fetch(record)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    fetch(record)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch(record).read_bytes() == SMALL


def test_a_hub_that_cannot_be_reached_is_said(record, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{unused.getsockname()[1]}")
    with pytest.raises(WeightsError, match="could not be reached and the cache does not hold the file"):
        fetch(record)


def test_shipped_weights_need_no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    assert fetch(load_record("cars_anatomy")).name == "cars_anatomy.safetensors"


def test_unpublished_weights_are_not_looked_for_on_the_hub():
    with pytest.raises(WeightsError, match="'cars_anatomy' was not published to the Hub yet"):
        record_of("hub")
    with pytest.raises(WeightsError, match=r"weights must be one of cars_anatomy, .*got 'nothing.safetensors'"):
        record_of("nothing.safetensors")


def test_a_file_of_ones_own(tmp_path):
    own = tmp_path / "own.safetensors"
    own.write_bytes(SMALL)
    record = record_of(own)
    assert fetch(record) == own
    own.write_bytes(SMALL[:-1] + b"x")
    with pytest.raises(WeightsError, match=r"must have the SHA-256 .* restore the file"):
        fetch(record)
    own.write_bytes(b"pickle")
    with pytest.raises(WeightsError, match=r"must be a safetensors file .* pickled weights are not read"):
        read_weights(record_of(own))
