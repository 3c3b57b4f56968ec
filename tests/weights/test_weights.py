import hashlib

import pytest
import torch
from safetensors.torch import save

from monai_cars.weights import (
    RECORDS,
    WeightsError,
    WeightsRecord,
    find_weights,
    load_record,
    load_state,
    read_weights,
    records,
)


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A place with one small file of weights."""
    monkeypatch.setattr(records, "PLACES", (tmp_path / "nowhere", tmp_path))
    content = save({"a": torch.arange(4.0).half(), "steps": torch.tensor([3])})
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "small.safetensors").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return WeightsRecord("small", "bundle", "small.safetensors", digest, "Apache-2.0", "nothing")


def test_half_precision_is_widened_and_the_rest_kept(shelf):
    state = read_weights(shelf)
    assert state["a"].dtype == torch.float32
    assert state["a"].tolist() == [0, 1, 2, 3]
    assert state["steps"].dtype == torch.int64


def test_an_altered_file_is_refused(shelf):
    path = find_weights(shelf)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsError, match=r"must have the SHA-256 .* restore the file"):
        read_weights(shelf)


def test_a_missing_file_names_the_places(shelf):
    find_weights(shelf).unlink()
    with pytest.raises(WeightsError, match=r"'small' were looked for at .* and .* not found; install monai-cars again"):
        read_weights(shelf)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(WeightsError, match="no weights are named 'gpt'; known are cars_anatomy, cars_orientation"):
        load_record("gpt")


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_what_is_recorded_is_what_is_shipped(name):
    record = load_record(name)
    assert record.name == name
    assert find_weights(record).stat().st_size <= 10_000_000
    assert load_state(name) is load_state(name)  # read once a process
    assert not record.repo_id  # nothing is published yet, so nothing is claimed
    assert not record.revision


def test_records_cannot_be_changed():
    with pytest.raises(AttributeError):
        load_record("cars_anatomy").sha256 = "other"


def test_what_edits_has_not_seen_the_patients_of_what_judges():
    seen = {part for name in ("cars_anatomy", "healthy_lung") for part in load_record(name).data}
    assert records.EDITOR_PATIENTS in seen
    assert records.TEACHER_PATIENTS not in seen
