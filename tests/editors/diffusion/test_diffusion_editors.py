import pickle
from dataclasses import replace

import pytest
import torch
from phantom import phantom

from monai_cars.chest_xray.anatomy import contrast_unit
from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.chest_xray.editors.choose import make_editor
from monai_cars.chest_xray.editors.diffusion.radedit import RadEditEditor
from monai_cars.chest_xray.editors.diffusion.stable_diffusion import StableDiffusionEditor
from monai_cars.editors.diffusion import pipelines
from monai_cars.editors.diffusion.pipelines import PipelineError, identity
from monai_cars.edits.edit import Edit, Region
from monai_cars.edits.film import Film, Scale
from monai_cars.files.radiograph import header_of
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.loop.counterfactual import make_counterfactual
from monai_cars.transforms import InsertFindingd

FILM = phantom(size=(256, 256))
NODULE = Edit("insert", "nodule", side="left", severity=0.9)
ANY = Gate([OutsideUnchanged()])


def editors(inpainting, plain, radedit):
    return {
        "inpainting": StableDiffusionEditor(str(inpainting), steps=2),
        "plain": StableDiffusionEditor(str(plain), steps=2, strength=0.7),
        "radedit": RadEditEditor(str(radedit), steps=4),
    }


@pytest.fixture(params=["inpainting", "plain", "radedit"])
def editor(request, inpainting, plain, radedit):
    return editors(inpainting, plain, radedit)[request.param]


def edited(editor, edit=NODULE, film=FILM):
    return make_counterfactual(film.image, film.anatomy, edit, editor=editor, gate=ANY)


def test_outside_the_support_every_bit_is_kept_and_inside_it_changes(editor):
    made = edited(editor)
    assert made.accepted, made.record["reason"]
    outside = made.support == 0
    assert torch.equal(made.image[outside], FILM.image[outside])
    assert (made.image != FILM.image)[~outside].any()
    assert made.record["editor"] == editor.name
    assert "sha256:" in made.record["weights"]


def test_a_seed_gives_the_same_bytes_and_another_one_others(editor):
    first, again, other = (edited(editor, replace(NODULE, seed=seed)) for seed in (3, 3, 4))
    assert torch.equal(first.image, again.image)
    assert not torch.equal(first.image, other.image)


def test_an_affine_of_the_values_does_not_matter(editor):
    def proposal(scale, shift):
        image = FILM.image * scale + shift
        film = Film(image, FILM.anatomy, header_of(image), contrast_unit(image, FILM.anatomy), Scale((1.0, 1.0)))
        return editor.propose(film, FILM.anatomy, NODULE, torch.Generator().manual_seed(1))

    one, other = proposal(1.0, 0.0), proposal(1 / 4095, 0.3)
    assert one.box == other.box
    assert torch.allclose(one.residual, other.residual, atol=0.01)


def test_detail_that_is_finer_than_the_models_pixels_stays(inpainting):
    film = phantom(size=(640, 640))
    made = edited(StableDiffusionEditor(str(inpainting), steps=2, whole_film=True), film=film)
    change = (made.image - film.image)[0]
    inside = made.support[0] > 0
    # One pixel of the model is 20 of the film: the change is smooth at the scale of a few pixels.
    steps = (change[:, 1:] - change[:, :-1])[inside[:, 1:] & inside[:, :-1]]
    assert float(steps.abs().max()) < 0.25 * max(float(change.abs().max()), 1.0) + 2


def test_a_deletion_needs_a_region_and_a_sham_names_no_finding(inpainting):
    editor = StableDiffusionEditor(str(inpainting), steps=2)
    made = edited(editor, Edit("delete", "mass", region=Region(box=(90.0, 60.0, 130.0, 100.0))))
    assert made.accepted
    refused = edited(editor, Edit("delete", "enlarged heart"))
    assert "must be shown where the enlarged heart lies" in refused.record["reason"]


def test_editors_pickle_small_and_hold_no_weights(editor):
    edited(editor)
    assert len(pickle.dumps(editor)) < 10_000
    assert pickle.loads(pickle.dumps(editor)) == editor


def test_a_chain_names_the_editor_and_its_weights(inpainting):
    chain = InsertFindingd("image", "nodule", side="left", editor="stable_diffusion", weights=str(inpainting), gate=ANY)
    assert chain.insert.loop.editor.name == "stable_diffusion"
    assert len(pickle.dumps(chain)) < 10_000
    chain.insert.loop.editor = replace(chain.insert.loop.editor, steps=2)
    sample = chain({"image": FILM.image, "anatomy": FILM.anatomy})
    assert '"editor":"stable_diffusion"' in sample["counterfactual"]
    assert torch.equal(sample["image"][sample["support"] == 0], FILM.image[sample["support"] == 0])


def test_half_precision(inpainting):
    editor = StableDiffusionEditor(str(inpainting), steps=2, dtype="bfloat16")
    assert edited(editor).accepted
    assert pipelines.load_pipeline(editor.source).unet.dtype == torch.bfloat16


def test_wrong_arguments_are_refused_when_the_chain_is_built(inpainting, tmp_path):
    with pytest.raises(ValueError, match="editor must be one of attenuation, stable_diffusion, radedit, or an Editor"):
        make_editor("dalle")
    with pytest.raises(ValueError, match="needs weights=: 'owner/repo@commit'"):
        make_editor("stable_diffusion")
    with pytest.raises(ValueError, match="the attenuation editor has no weights"):
        make_editor("attenuation", "x")
    with pytest.raises(ValueError, match="weights are for an editor given by name"):
        make_editor(AttenuationEditor(), "x")
    with pytest.raises(PipelineError, match=r"weights must be 'owner/repo@commit' .* branches can be moved"):
        make_editor("radedit", "microsoft/radedit@main")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PipelineError, match="could not be loaded as StableDiffusionInpaintPipeline"):
        edited(make_editor("stable_diffusion", tmp_path / "empty"))
    with pytest.raises(PipelineError, match="could not be loaded as UNet2DConditionModel"):
        edited(make_editor("radedit", tmp_path / "empty"))


def test_pickled_weights_are_not_read(inpainting, tmp_path):
    import shutil

    folder = tmp_path / "pickled"
    shutil.copytree(inpainting, folder)
    for path in folder.rglob("*.safetensors"):
        path.rename(path.with_suffix(".bin"))
    with pytest.raises(PipelineError, match="a repository without safetensors is not read"):
        edited(make_editor("stable_diffusion", folder))


def test_a_missing_package_is_named(monkeypatch):
    def fail(name):
        raise ImportError(name)

    monkeypatch.setattr(pipelines.importlib, "import_module", fail)
    with pytest.raises(PipelineError, match=r"needs diffusers; install it with: pip install 'monai-cars\[diffusers\]'"):
        pipelines.optional("diffusers")


def test_the_identity_of_a_folder_follows_its_weights(inpainting, tmp_path):
    assert identity("me/model@" + 40 * "a") == "me/model@" + 40 * "a"
    assert identity(str(inpainting)).startswith("inpainting sha256:")


def test_a_film_without_lungs_is_refused(inpainting):
    editor = StableDiffusionEditor(str(inpainting), steps=2)
    made = edited(editor, film=replace(FILM, anatomy=torch.zeros_like(FILM.anatomy)))
    assert not made.accepted
    assert torch.equal(made.image, FILM.image)
