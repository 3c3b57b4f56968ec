"""The handler counts what batches carry, epoch by epoch."""

import json
import logging

import pytest
from monai.data import list_data_collate

from monai_cars.evaluation import acceptance_handler
from monai_cars.evaluation.acceptance_handler import AcceptanceLog

ignite = pytest.importorskip("ignite.engine")


def sample(view, *outcomes):
    edits = [{"finding": finding, "accepted": ok} for finding, ok in outcomes]
    return {"counterfactual": json.dumps({"edits": edits}), "view": view}


BATCHES = [
    [sample("PA", ("nodule", True)), sample("AP", ("nodule", False), ("mass", True))],
    [sample("AP", ("nodule", False)), sample("PA")],
]


def run(log, batches, epochs=1):
    engine = ignite.Engine(lambda engine, batch: None)
    log.attach(engine)
    engine.run(batches, max_epochs=epochs)
    return engine.state.metrics


@pytest.mark.parametrize("collate", [list, list_data_collate])
def test_rates_of_an_epoch(collate, caplog):
    with caplog.at_level(logging.INFO, logger="acceptance"):
        metrics = run(AcceptanceLog(), [collate(batch) for batch in BATCHES], epochs=2)
    assert metrics == {"acceptance": 0.5, "acceptance/mass": 1.0, "acceptance/nodule": pytest.approx(1 / 3)}
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [f"epoch {k}: 4 edits, accepted: all 50%, mass 100%, nodule 33%" for k in (1, 2)]


def test_groups_from_the_batch():
    metrics = run(AcceptanceLog(by="view", with_keys=["view"]), [list_data_collate(batch) for batch in BATCHES])
    assert metrics == {"acceptance": 0.5, "acceptance/AP": pytest.approx(1 / 3), "acceptance/PA": 1.0}


def test_an_epoch_without_edits_states_nothing():
    assert run(AcceptanceLog(), [[sample("PA")]]) == {}


def test_a_batch_without_its_record_is_refused():
    with pytest.raises(KeyError, match=r"no entry 'counterfactual' \(it has image\); name the edits' record"):
        AcceptanceLog().count({"image": [1]})
    with pytest.raises(KeyError, match="no entry 'sex'"):
        AcceptanceLog(with_keys=["sex"]).count(BATCHES[0])


def test_without_ignite(monkeypatch):
    monkeypatch.setattr(acceptance_handler, "HAS_IGNITE", False)
    with pytest.raises(RuntimeError, match=r"AcceptanceLog needs Ignite; pip install 'monai-cars\[bundle\]'"):
        AcceptanceLog()
