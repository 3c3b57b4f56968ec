import json
import pickle
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from film_builders import dicom, nifti, pixels, png, transcode
from monai.data import CacheDataset, DataLoader, MetaTensor, PersistentDataset, list_data_collate, set_track_meta
from monai.transforms import Compose, Flipd, LoadImaged, ScaleIntensityd, Zoomd
from PIL import Image

from monai_cars.files.header import Header
from monai_cars.files.mask_png import mask_png
from monai_cars.files.radiograph import RadiographError, RadiographReader, header_of, read_radiograph
from monai_cars.transforms import load, save
from monai_cars.transforms.load import LoadRadiograph, LoadRadiographd
from monai_cars.transforms.save import SaveRadiograph, SaveRadiographd, output_name

EDIT = {"operation": "insert", "finding": "nodule", "side": "left", "seed": 7}


@pytest.fixture
def path(tmp_path):
    return str(dicom(tmp_path / "film.dcm", pixels(), 12, PhotometricInterpretation="MONOCHROME1"))


def edited(image):
    """What an edit transform leaves: pixels changed inside the support, masks, a record."""
    support = torch.zeros(image.shape, dtype=torch.uint8)
    support[:, 40:60, 50:80] = 1
    lesion = torch.zeros_like(support)
    lesion[:, 45:55, 55:75] = 1
    after = image.clone()
    after[lesion.bool()] = (after[lesion.bool()] + 20).clamp(max=0)
    anatomy = torch.stack([lesion[0], support[0], torch.zeros_like(support[0])])
    return {
        "image": after,
        "support": MetaTensor(support),
        "lesion": lesion,
        "anatomy": anatomy,
        "counterfactual": json.dumps({"edits": [EDIT]}),
    }


def test_dictionary_forms_have_their_aliases():
    assert load.LoadRadiographD is load.LoadRadiographDict is LoadRadiographd
    assert save.SaveRadiographD is save.SaveRadiographDict is SaveRadiographd


@pytest.mark.filterwarnings("ignore:NvImgCodecPydicomReader")
def test_loading_gives_what_the_reader_gives(path):
    film = read_radiograph(path)
    one = LoadRadiograph()(path)
    two = LoadRadiographd(keys="image")({"image": Path(path)})["image"]
    three = LoadImaged(keys="image", reader=RadiographReader)({"image": path})["image"]
    for image in (one, two, three):
        assert isinstance(image, MetaTensor)
        assert torch.equal(image.as_tensor(), film.image)
        assert header_of(image) == film.header
        assert torch.equal(image.affine, torch.eye(4, dtype=torch.float64))
    assert one.meta.keys() == three.meta.keys()
    ours = {key for key, value in one.meta.items() if isinstance(value, str)} - {"filename_or_obj", "space"}
    assert ours == {"radiograph"}


def test_track_meta_off_gives_a_plain_tensor(path):
    set_track_meta(False)
    try:
        assert type(LoadRadiograph()(path)) is torch.Tensor
    finally:
        set_track_meta(True)


def test_spacing_comes_from_the_datalist_where_the_file_has_none(path, tmp_path):
    loader = LoadRadiographd(keys="image", spacing_key="mm")
    assert header_of(loader({"image": path, "mm": 0.2})["image"]).spacing == (0.2, 0.2)
    assert header_of(loader({"image": path, "mm": np.array([0.2, 0.1])})["image"]).spacing == (0.2, 0.1)
    image = loader({"image": path, "mm": [0.2, 0.1]})["image"]
    assert image.affine.diagonal().tolist() == [0.2, 0.1, 1, 1]
    assert image.pixdim.tolist() == [0.2, 0.1]
    for unknown in (None, float("nan"), np.float64("nan")):
        assert header_of(loader({"image": path, "mm": unknown})["image"]).spacing is None
    assert header_of(loader({"image": path})["image"]).spacing is None
    with pytest.raises(RadiographError, match="spacing must be one positive number"):
        loader({"image": path, "mm": -1.0})
    known = str(dicom(tmp_path / "known.dcm", pixels(), 12, PixelSpacing=[0.4, 0.4]))
    assert header_of(loader({"image": known, "mm": 0.2})["image"]).spacing == (0.4, 0.4)
    assert header_of(LoadRadiograph(spacing=0.3)(path)).spacing_source == "datalist"


def test_missing_keys_are_refused_or_left_out(path):
    with pytest.raises(KeyError, match="label"):
        LoadRadiographd(keys=["image", "label"])({"image": path})
    out = LoadRadiographd(keys=["image", "label"], allow_missing_keys=True)({"image": path, "other": 1})
    assert set(out) == {"image", "image_header", "other"}
    assert SaveRadiographd(keys="film", output_dir=".", allow_missing_keys=True)({"a": 1}) == {"a": 1, "saved": "{}"}


def test_refusals_name_the_file_through_compose(tmp_path):
    (tmp_path / "bad.dcm").write_bytes(b"nonsense")
    chain = Compose([LoadRadiographd(keys="image")])
    with pytest.raises(RuntimeError, match="applying transform") as raised:
        chain({"image": str(tmp_path / "bad.dcm")})
    assert isinstance(raised.value.__cause__, RadiographError)
    assert "bad.dcm" in str(raised.value.__cause__)


def test_transforms_pickle_small_and_back(path, tmp_path):
    for transform in (
        LoadRadiographd(keys="image", spacing_key="mm"),
        SaveRadiographd(keys="image", output_dir=tmp_path, plan={"created": "2026-01-01"}),
    ):
        data = pickle.dumps(transform)
        assert len(data) < 10_000
        assert vars(pickle.loads(data)).keys() == vars(transform).keys()
    again = pickle.loads(pickle.dumps(LoadRadiographd(keys="image")))
    assert torch.equal(again({"image": path})["image"], read_radiograph(path).image)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_caches_workers_and_collate_keep_values_and_headers(tmp_path):
    source = dicom(tmp_path / "a.dcm", pixels(), 12)
    files = [source, transcode(source, tmp_path / "b.dcm", "RLE"), png(tmp_path / "c.png", pixels(16))]
    files.append(nifti(tmp_path / "d.nii.gz", pixels(8)))
    rows = [{"image": str(file)} for file in files]
    chain = Compose([LoadRadiographd(keys="image")])
    for dataset in (CacheDataset(rows, chain, progress=False), PersistentDataset(rows, chain, tmp_path / "cache")):
        for _ in range(2):
            for workers in (0, 2):
                loader = DataLoader(dataset, batch_size=2, num_workers=workers, collate_fn=list_data_collate)
                batches = list(loader)
                assert [batch["image"].shape for batch in batches] == [(2, 1, 144, 160)] * 2
                images = torch.cat([torch.Tensor(batch["image"]) for batch in batches])
                headers = [text for batch in batches for text in batch["image_header"]]
                for row, image, text in zip(rows, images, headers, strict=True):
                    film = read_radiograph(row["image"])
                    assert torch.equal(image, film.image)
                    assert Header.from_json(text) == film.header


@pytest.mark.parametrize("output_format", [".dcm", ".png", ".nii.gz", ".nii"])
def test_saving_writes_film_masks_and_record(path, tmp_path, output_format):
    folder = tmp_path / "out" / "films"
    data = edited(LoadRadiograph()(path))
    out = SaveRadiographd(keys="image", output_dir=folder, output_format=output_format)(data)
    assert out["image"] is data["image"]
    saved = json.loads(out["saved"])["image"]
    assert set(saved) == {"image", "support", "lesion", "anatomy", "record"}
    assert sorted(Path(name).name for name in saved.values()) == sorted(item.name for item in folder.iterdir())
    assert torch.equal(read_radiograph(saved["image"]).image, data["image"].as_tensor())
    assert Path(saved["image"]).name.startswith("film_insert-nodule_")
    for kind in ("support", "lesion"):
        mask = np.asarray(Image.open(saved[kind]))
        assert np.array_equal(mask, 255 * np.asarray(data[kind][0]))
    anatomy = np.asarray(Image.open(saved["anatomy"]))
    assert np.array_equal(anatomy.transpose(2, 0, 1), 255 * data["anatomy"].numpy())
    assert json.loads(Path(saved["record"]).read_text()) == {"edits": [EDIT]}


def test_saving_twice_gives_the_same_files(path, tmp_path):
    data = edited(LoadRadiograph()(path))
    contents = []
    for _ in range(2):
        SaveRadiographd(keys="image", output_dir=tmp_path / "out", plan={"created": "2026-01-02"})(data)
        contents.append({item.name: item.read_bytes() for item in (tmp_path / "out").iterdir()})
    assert contents[0] == contents[1]
    film = next(item for item in (tmp_path / "out").iterdir() if item.suffix == ".dcm")
    assert pydicom.dcmread(film).StudyDate == "20260102"
    other = {**data, "counterfactual": json.dumps({"edits": [{**EDIT, "seed": 8}]})}
    SaveRadiographd(keys="image", output_dir=tmp_path / "out")(other)
    assert len(list((tmp_path / "out").iterdir())) == 2 * len(contents[0])


def test_an_unedited_film_is_saved_without_masks(path, tmp_path):
    image = LoadRadiograph()(path)
    assert SaveRadiograph(tmp_path / "out", output_format=".png")(image) is image
    names = sorted(item.name for item in (tmp_path / "out").iterdir())
    assert all(name.startswith("film_unedited_") for name in names)
    assert len(names) == 3  # film, empty support, record
    quiet = SaveRadiographd(keys="image", output_dir=tmp_path / "out", saved_key=None)({"image": image})
    assert set(quiet) == {"image"}


def test_a_film_that_lost_its_meta_in_a_cache_is_saved_by_its_header_key(path, tmp_path):
    row = LoadRadiographd(keys="image")({"image": path})
    plain = {**row, **edited(row["image"].as_tensor())}
    assert header_of(plain["image"], plain["image_header"]) == header_of(row["image"])
    saved = json.loads(SaveRadiographd(keys="image", output_dir=tmp_path / "out")(plain)["saved"])
    assert torch.equal(read_radiograph(saved["image"]["image"]).image, plain["image"])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (ScaleIntensityd(keys="image"), "was it rescaled"),
        (Flipd(keys=["image", "support"], spatial_axis=1), "was it rescaled, resized or flipped"),
        (Zoomd(keys=["image", "support"], zoom=0.5, keep_size=False), "was it resized"),
    ],
)
def test_images_changed_after_the_edit_are_refused(path, tmp_path, spoil, message):
    data = spoil(edited(LoadRadiograph()(path)))
    with pytest.raises(RadiographError, match=message + ".*save right after the edits"):
        SaveRadiographd(keys="image", output_dir=tmp_path / "out")(data)
    assert not (tmp_path / "out").exists()


def test_options_that_cannot_be_are_refused(path, tmp_path):
    with pytest.raises(ValueError, match=r"output_format must be one of .*\(got '.jpg'\); JPEG would change values"):
        SaveRadiograph(tmp_path, output_format=".jpg")
    with pytest.raises(RadiographError, match=r"a mask must be .*\(got shape \(1, 1, 4, 4\)\); save before batching"):
        mask_png(torch.zeros(1, 1, 4, 4))
    with pytest.raises(RadiographError, match="written against its source file"):
        SaveRadiograph(tmp_path)(torch.rand(1, 144, 160))


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_masks_of_any_number_come_back(channels):
    import io

    mask = torch.rand(channels, 10, 12) > 0.5
    values = np.asarray(Image.open(io.BytesIO(mask_png(mask))))
    if channels in (2, 3):
        found = values.transpose(2, 0, 1)[:channels]
    else:
        found = values.reshape(channels, 10, 12)
    assert np.array_equal(found > 0, mask.numpy())


def test_names_are_safe_and_tell_sources_apart():
    header = Header(source="a/film.v2.nii.gz", sha256="1", format="nifti")
    name = output_name(header, {"operation": "insert", "finding": "../x y"})
    assert name.startswith("film.v2_insert-..-x-y_")
    assert name != output_name(Header(source="b/film.v2.nii.gz", sha256="2", format="nifti"), None)
    assert output_name(header, None).startswith("film.v2_unedited_")
