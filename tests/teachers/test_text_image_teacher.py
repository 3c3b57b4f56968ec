"""Films and words in one space: closed forms of the classifier, and real model classes with random weights."""

import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_dual_encoder import tiny_bert_and_vit, tiny_clip

from monai_cars.edits.edit import Box
from monai_cars.teachers import Embedder, Teacher, TeacherError
from monai_cars.teachers.dual_encoder import CallableDualEncoder, DualEncoder, HubDualEncoder, _load, square
from monai_cars.teachers.text_image import Prompts, TextImageTeacher, prompts_of

ANATOMY = torch.ones(3, 40, 60)
FILM = torch.rand(1, 40, 60, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    yield tiny_clip(tmp_path_factory.mktemp("hub") / "clip")
    _load.cache_clear()


def _plane(angle: float, temperature: float = 1.0) -> CallableDualEncoder:
    """The film at an angle to "present", which is orthogonal to "absent"."""
    image = torch.tensor([torch.cos(torch.tensor(angle)), torch.sin(torch.tensor(angle))])
    words = {"yes": [2.0, 0.0], "no": [0.0, 3.0]}
    return CallableDualEncoder(
        "plane", lambda film: 5.0 * image, lambda texts: torch.tensor([words[text] for text in texts]), temperature
    )


class TestTextImageTeacher:
    @settings(max_examples=30, deadline=None)
    @given(st.floats(0.0, 1.57), st.floats(0.05, 1.0))
    def test_the_probability_is_the_softmax_of_two_cosines(self, angle, temperature):
        teacher = TextImageTeacher(_plane(angle, temperature), {"edema": Prompts(("yes",), ("no",))})
        cosines = torch.tensor([angle]).cos(), torch.tensor([angle]).sin()
        expected = torch.sigmoid((cosines[0] - cosines[1]) / temperature)
        assert teacher(FILM, ANATOMY)["edema"] == pytest.approx(float(expected), abs=1e-5)

    def test_half_way_between_the_words_it_does_not_know(self):
        teacher = TextImageTeacher(_plane(torch.pi / 4), {"edema": Prompts(("yes",), ("no",))})
        assert teacher(FILM, ANATOMY)["edema"] == pytest.approx(0.5, abs=1e-5)

    def test_a_set_of_sentences_counts_by_its_mean_direction(self):
        teacher = TextImageTeacher(_plane(0.3), {"edema": Prompts(("yes", "no"), ("no", "yes"))})
        assert teacher(FILM, ANATOMY)["edema"] == pytest.approx(0.5, abs=1e-5)

    @pytest.mark.parametrize("prompts", [{}, {"edema": Prompts(("yes",), ())}])
    def test_findings_need_sentences(self, prompts):
        with pytest.raises(TeacherError, match=r"prompts must give each finding sentences .*\(none for (any|edema)\)"):
            TextImageTeacher(_plane(0.0), prompts)


class TestHubDualEncoder:
    @pytest.mark.parametrize("make", [tiny_clip, tiny_bert_and_vit])
    def test_it_classifies_by_a_model_of_transformers(self, make, tmp_path):
        encoder = HubDualEncoder(str(make(tmp_path / "model")))
        teacher = TextImageTeacher(encoder, {name: prompts_of(name) for name in ("edema", "nodule")})
        answer = teacher(FILM, ANATOMY)
        assert isinstance(teacher, Teacher)
        assert isinstance(encoder, DualEncoder)
        assert isinstance(encoder, Embedder)
        assert set(answer) == {"edema", "nodule"}
        assert all(0 < value < 1 for value in answer.values())
        assert encoder.temperature == pytest.approx(1 / 14.3, rel=0.01)  # CLIP's initial value, exp(2.6592)

    def test_the_scale_of_the_film_does_not_matter_and_the_film_does(self, clip):
        encoder = HubDualEncoder(str(clip))
        one = encoder(FILM, ANATOMY)
        torch.testing.assert_close(encoder(1000 * FILM - 300, ANATOMY), one, atol=1e-4, rtol=1e-3)
        assert not torch.allclose(encoder(FILM.flip(2), ANATOMY), one, atol=1e-4)
        assert one.shape == (12,)

    def test_a_box_is_seen_alone(self, clip):
        encoder = HubDualEncoder(str(clip))
        torch.testing.assert_close(
            encoder(FILM, ANATOMY, Box(5, 10, 25, 50)), encoder(FILM[:, 5:25, 10:50], ANATOMY), atol=1e-6, rtol=1e-5
        )

    def test_it_is_a_name_that_travels_to_workers(self, clip):
        encoder = HubDualEncoder(str(clip), data=frozenset({"mimic-cxr"}))
        encoder(FILM, ANATOMY)
        assert pickle.loads(pickle.dumps(encoder)) == encoder
        assert len(pickle.dumps(encoder)) < 1000
        assert TextImageTeacher(encoder, {"edema": prompts_of("edema")}).data == {"mimic-cxr"}
        assert encoder.name == f"clip sha256:{encoder.sha256[:12]}"
        assert TextImageTeacher(encoder, {"edema": prompts_of("edema")}).sha256 == encoder.sha256
        assert HubDualEncoder(f"owner/repo@{'0' * 40}").sha256 == ""

    @pytest.mark.parametrize("weights", ["owner/repo", "owner/repo@main", "/no/such/folder"])
    def test_weights_are_pinned_or_a_folder(self, weights):
        with pytest.raises(TeacherError, match=r"must be 'owner/repo@commit' .* branches can be moved"):
            HubDualEncoder(weights)

    def test_a_folder_without_a_model_is_refused(self, tmp_path):
        with pytest.raises(TeacherError, match="could not be loaded as a text-image model"):
            HubDualEncoder(str(tmp_path))(FILM, ANATOMY)

    def test_a_model_of_one_tower_is_refused(self, tmp_path):
        from transformers import CLIPConfig, CLIPModel, CLIPTextModel, CLIPTokenizer

        clip = tiny_clip(tmp_path / "clip")
        tower = CLIPTextModel(CLIPModel(CLIPConfig.from_pretrained(clip)).config.text_config)
        tower.save_pretrained(tmp_path / "tower")
        CLIPTokenizer.from_pretrained(clip).save_pretrained(tmp_path / "tower")
        with pytest.raises(TeacherError, match=r"must be a dual encoder such as CLIP \(got CLIPTextModel\)"):
            HubDualEncoder(str(tmp_path / "tower"))(FILM, ANATOMY)

    def test_without_transformers_the_extra_is_named(self, clip, monkeypatch):
        import sys

        _load.cache_clear()
        monkeypatch.setitem(sys.modules, "transformers", None)
        with pytest.raises(TeacherError, match=r"needs transformers; install it with: pip install 'monai-cars\["):
            HubDualEncoder(str(clip))(FILM, ANATOMY)


class TestSquare:
    @settings(max_examples=20, deadline=None)
    @given(st.integers(8, 60), st.integers(8, 60), st.floats(0.1, 100), st.floats(-500, 500))
    def test_it_is_padded_windowed_and_of_three_channels(self, height, width, factor, offset):
        film = torch.rand(1, height, width, generator=torch.Generator().manual_seed(height))
        seen = square(factor * film + offset, 32)
        assert seen.shape == (3, 32, 32)
        assert 0.0 <= float(seen.min()) <= float(seen.max()) <= 1.0
        torch.testing.assert_close(seen, square(film, 32), atol=1e-3, rtol=0)

    def test_nothing_of_a_wide_film_is_cropped(self):
        film = torch.zeros(1, 8, 32)
        film[0, :, 0] = film[0, :, -1] = 1.0
        seen = square(film, 32)[0]
        assert float(seen[12:20, 0].min()) == float(seen[12:20, -1].min()) == 1.0
        assert float(seen[:10].max()) == 0.0
