from pathlib import Path

import pytest

from monai_cars.edits.edit import Quantity
from monai_cars.synthesis import PlanError, Source, plan_edits

PLAIN = Source(Path("a.png"), "a.png")
BOXED = Source(Path("b.png"), "b.png", box=(1, 2, 3, 4), box_finding="mass")
INSERT = {"operation": "insert", "finding": "nodule", "side": "left", "severity": 0.5}


def test_every_row_for_every_film_film_by_film():
    plan = plan_edits([PLAIN, BOXED], [INSERT, {**INSERT, "finding": "effusion"}], seed=0)
    assert [(planned.source.name, planned.number) for planned in plan] == [
        ("a.png", 0),
        ("a.png", 1),
        ("b.png", 0),
        ("b.png", 1),
    ]


def test_a_deletion_goes_to_films_with_a_box_of_that_finding_only():
    rows = [{"operation": "delete", "finding": "mass"}, {"operation": "delete", "finding": "nodule"}, INSERT]
    plan = plan_edits([PLAIN, BOXED], rows, seed=0)
    assert [(planned.source.name, planned.number) for planned in plan] == [("a.png", 2), ("b.png", 0), ("b.png", 2)]
    assert plan[1].edit.region.box == (1, 2, 3, 4)


def test_a_row_may_name_its_seed_and_an_amount():
    row = {**INSERT, "severity": {"value": 18, "unit": "mm"}, "seed": 5}
    first, second = plan_edits([PLAIN], [row, INSERT], seed=9)
    assert (first.edit.seed, first.edit.severity) == (5, Quantity(18.0, "mm"))
    assert second.edit.seed == 9


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"operation": "insert", "findnig": "nodule"},
            r"edits\[0\]: unknown field 'findnig'; did you mean 'finding'\?",
        ),
        ({"operation": "insert", "finding": "nodule", "q": 1}, r"unknown field 'q'; known: operation, finding"),
        ({"operation": "insert"}, r"edits\[0\] must name its finding"),
        ({"operation": "insert", "finding": "nodul"}, r"edits\[0\]: finding must be one of nodule.* got 'nodul'"),
        ({**INSERT, "severity": 2}, r"edits\[0\]: severity of nodule must lie in \[0, 1\]"),
        ({**INSERT, "severity": {"value": 18}}, r"edits\[0\]: severity must be a number or \{value, unit\}, got"),
    ],
)
def test_a_wrong_row_is_refused_before_any_work(row, message):
    with pytest.raises(PlanError, match=message):
        plan_edits([PLAIN], [row], seed=0)


def test_a_wrong_deletion_is_refused_even_when_no_film_has_a_box():
    with pytest.raises(PlanError, match="finding must be one of"):
        plan_edits([PLAIN], [INSERT, {"operation": "delete", "finding": "masss"}], seed=0)


def test_a_plan_that_would_do_nothing_is_refused():
    with pytest.raises(PlanError, match="edits must hold at least one row, got none"):
        plan_edits([PLAIN], [], seed=0)
    with pytest.raises(PlanError, match="every row deletes and no film has a box"):
        plan_edits([PLAIN], [{"operation": "delete", "finding": "mass"}], seed=0)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("insert", r"edits must be a list of mappings, got 'insert'"),
        ({"operation": "insert"}, r"edits must be a list of mappings, got \{'operation': 'insert'\}"),
        ([3], r"edits\[0\] must be a mapping of fields to values, got 3"),
        ([INSERT, None], r"edits\[1\] must be a mapping of fields to values, got None"),
        ([{7: 1}], r"edits\[0\] must be a mapping of fields to values, got \{7: 1\}"),
        ([{("a",): 1}], r"edits\[0\] must be a mapping of fields to values, got"),
        ([{"operation": "insert", "finding": ["nodule"]}], r"edits\[0\]: finding must be text, got \['nodule'\]"),
        ([{"operation": None, "finding": "nodule"}], r"edits\[0\]: operation must be text, got None"),
    ],
)
def test_what_is_no_list_of_rows_is_refused(rows, message):
    with pytest.raises(PlanError, match=message):
        plan_edits([PLAIN], rows, seed=0)
