"""What an edit transform takes is seen in its signature, by `help` and by type checkers alike."""

import inspect

import pytest

from monai_cars.loop.edit_loop import EditLoop
from monai_cars.transforms import (
    DeleteFinding,
    DeleteFindingd,
    InsertFinding,
    InsertFindingd,
    InsertFindings,
    InsertFindingsd,
    RandCounterfactual,
    RandCounterfactuald,
    ShamEdit,
    ShamEditd,
)
from monai_cars.transforms.film_edit import FilmEditd
from monai_cars.transforms.options import EditOptions, LoopOptions

ARRAYS = [InsertFinding, DeleteFinding, ShamEdit, InsertFindings, RandCounterfactual]
DICTIONARIES = [InsertFindingd, DeleteFindingd, ShamEditd, InsertFindingsd, RandCounterfactuald]


def keyword_only(made):
    parts = inspect.signature(made).parameters.values()
    return {part.name for part in parts if part.kind is inspect.Parameter.KEYWORD_ONLY}


def test_the_options_are_those_of_the_loop_and_of_the_keys():
    assert set(LoopOptions.__annotations__) == keyword_only(EditLoop) - {"organ"}
    assert set(EditOptions.__annotations__) == keyword_only(EditLoop) - {"organ"} | keyword_only(FilmEditd)


@pytest.mark.parametrize(
    ("made", "options"),
    [(made, LoopOptions) for made in ARRAYS] + [(made, EditOptions) for made in DICTIONARIES],
    ids=lambda value: value.__name__,
)
def test_every_signature_shows_them(made, options):
    assert set(options.__annotations__) <= keyword_only(made)
    assert not [part for part in inspect.signature(made).parameters.values() if part.kind is part.VAR_KEYWORD]


@pytest.mark.parametrize("made", [InsertFinding, DeleteFinding, ShamEdit])
def test_an_option_that_is_none_is_refused(made):
    with pytest.raises(TypeError, match="unexpected keyword argument 'gat'"):
        made("enlarged heart", gat="full")
