"""Segmenters of any size as localisers."""

import pytest
import torch

from monai_cars.teachers import SegmenterLocaliser, TeacherError

ANATOMY = torch.zeros(3, 4, 4)


class TestSegmenterLocaliser:
    def test_a_mask_of_the_films_size_is_given_back(self):
        mask = torch.rand(6, 8, generator=torch.Generator().manual_seed(0))
        assert torch.equal(SegmenterLocaliser("s", lambda film: mask)(torch.zeros(1, 6, 8), ANATOMY), mask)

    def test_a_channel_of_another_size_is_resized(self):
        masks = torch.stack([torch.zeros(3, 4), torch.ones(3, 4)])
        found = SegmenterLocaliser("s", lambda film: masks, channel=1)(torch.zeros(1, 6, 8), ANATOMY)
        assert torch.equal(found, torch.ones(6, 8))

    @pytest.mark.parametrize(("shape", "channel"), [((5,), 0), ((1, 2, 3, 4), 0), ((2, 4, 4), 2)])
    def test_what_is_no_mask_is_refused(self, shape, channel):
        segmenter = SegmenterLocaliser("s", lambda film: torch.zeros(shape), channel=channel)
        with pytest.raises(
            TeacherError, match=rf"'s' must give \(h, w\), or \(C, h, w\) with a channel {channel}, got"
        ):
            segmenter(torch.zeros(1, 4, 4), ANATOMY)

    @pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
    def test_what_is_no_probability_is_refused(self, value):
        segmenter = SegmenterLocaliser("s", lambda film: torch.full((4, 4), value))
        with pytest.raises(TeacherError, match=r"'s' must give probabilities in \[0, 1\]; apply a sigmoid or softmax"):
            segmenter(torch.zeros(1, 4, 4), ANATOMY)
