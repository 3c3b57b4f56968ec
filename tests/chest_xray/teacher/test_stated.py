import json

from monai_cars.chest_xray.teacher.stated import read_stated
from monai_cars.chest_xray.training.export import write_stated
from monai_cars.weights import WeightsRecord, records


def test_what_is_written_is_what_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "PLACES", (tmp_path / "nowhere", tmp_path))
    (tmp_path / "bundle" / "configs").mkdir(parents=True)
    figures = {"temperature": {"opacity": 1.5}, "auroc": {"opacity": 0.8}, "folds": 5}
    write_stated(tmp_path / "bundle" / "configs" / "net.json", figures)
    assert json.loads((tmp_path / "bundle" / "configs" / "net.json").read_text()) == figures
    stated = read_stated(WeightsRecord("net", "bundle", "models/net.safetensors", "", "", ""))
    assert stated.temperature == {"opacity": 1.5}
    assert stated.auroc == {"opacity": 0.8}


def test_nothing_is_stated_of_weights_without_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "PLACES", (tmp_path,))
    for record in (WeightsRecord("net", "bundle", "x", "", "", ""), WeightsRecord("own", "", "x", "", "", "")):
        assert read_stated(record).auroc == {}
        assert read_stated(record).temperature == {}
