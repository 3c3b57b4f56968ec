import hashlib
import json

import pytest
import torch
from safetensors.torch import save

from monai_cars.chest_xray.training.teacher_films import EDITOR_PATIENTS, TEACHER_PATIENTS
from monai_cars.weights import (
    RECORDS,
    WeightsError,
    WeightsRecord,
    find_weights,
    load_record,
    load_state,
    read_weights,
    record_of,
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
    assert EDITOR_PATIENTS in seen
    assert TEACHER_PATIENTS not in seen


def entry(name):
    told = {"file": f"models/{name}.safetensors", "sha256": "", "licence": "Apache-2.0", "trained_on": "nothing"}
    return {"name": name, **told, "data": ["set:part"]}


def shelve(place, bundle, *names):
    path = place / bundle / "configs" / "weights.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"weights": [entry(name) for name in names]}))


def test_bundles_say_what_they_ship_and_the_first_place_counts(tmp_path):
    checkout, wheel = tmp_path / "checkout", tmp_path / "wheel"
    shelve(checkout, "one", "b", "a")
    shelve(wheel, "one", "old")
    shelve(wheel, "two", "c")
    found = records.shipped((checkout, wheel, tmp_path / "nowhere"))
    assert list(found) == ["b", "a", "c"]
    assert found["c"] == WeightsRecord(
        "c", "two", "models/c.safetensors", "", "Apache-2.0", "nothing", data=("set:part",)
    )


def test_two_bundles_may_not_ship_weights_of_one_name(tmp_path):
    shelve(tmp_path, "one", "a")
    shelve(tmp_path, "two", "a")
    with pytest.raises(WeightsError, match="weights named 'a' are shipped by 'one' and by 'two'; rename one of them"):
        records.shipped((tmp_path,))


def test_hub_must_say_which_weights_once_several_bundles_ship_some(tmp_path, monkeypatch):
    shelve(tmp_path, "one", "a")
    monkeypatch.setattr(records, "RECORDS", records.shipped((tmp_path,)))
    with pytest.raises(WeightsError, match="'a' was not published to the Hub yet"):
        record_of("hub")
    shelve(tmp_path, "two", "c", "d")
    monkeypatch.setattr(records, "RECORDS", records.shipped((tmp_path,)))
    with pytest.raises(WeightsError, match=r"'hub' must stand for one of a, c, d, .* say which with default="):
        record_of("hub")
    with pytest.raises(WeightsError, match="'d' was not published to the Hub yet"):
        record_of("hub", default="d")
