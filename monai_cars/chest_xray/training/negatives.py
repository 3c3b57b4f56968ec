"""Pictures that are no frontal chest film, to teach the orientation network to say so."""

from pathlib import Path

import nibabel
import numpy as np
import torch
from PIL import Image
from torch.nn import functional

# Never among them: the limb, the retina and the two small CT and MR files that the tests expect to be refused.
SAMPLE_PICTURES = (
    *("astronaut", "brick", "camera", "cell", "chelsea", "clock_motion", "coffee", "coins", "color", "grass", "gravel"),
    *("horse", "hubble_deep_field", "ihc", "moon", "motorcycle_left", "page", "phantom", "rocket", "text"),
)
SAMPLE_DICOMS = ("693_UNCR.dcm", "MR2_UNCR.dcm", "US1_UNCR.dcm", "JPEG2000_UNC.dcm")


def _square(picture: np.ndarray, size: int) -> torch.Tensor:
    """A grey picture `(1, size, size)` in [0, 1] between its robust extremes."""
    low, high = np.percentile(picture, [0.5, 99.5])
    grey = torch.from_numpy(((picture - low) / max(high - low, 1e-6)).clip(0, 1).astype(np.float32))
    return functional.interpolate(grey[None, None], size=(size, size), mode="bilinear", antialias=True)[0]


def sample_pictures(size: int) -> list[torch.Tensor]:
    """The photographs that scikit-image carries (read from its folder: no network)."""
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    files = [file for name in SAMPLE_PICTURES for file in folder.glob(f"{name}.*")]
    return [_square(np.array(Image.open(file).convert("L"), np.float32), size) for file in files]


def sample_dicoms(size: int) -> list[torch.Tensor]:
    """A CT, an MR, an ultrasound and a scintigraphy frame of the package pydicom-data."""
    import pydicom
    from pydicom.data import get_testdata_file

    found = []
    for name in SAMPLE_DICOMS:
        pixels = np.asarray(pydicom.dcmread(str(get_testdata_file(name))).pixel_array, np.float32)
        found.append(_square(pixels.mean(-1) if pixels.ndim == 3 else pixels, size))
    return found


def brain_slices(dataset_dir: str | Path, size: int) -> list[torch.Tensor]:
    """Slices of the FLAIR volumes in all three directions."""
    found = []
    for file in sorted(Path(dataset_dir, "ms_longitudinal").glob("*/study1_FLAIR*.nii.gz")):
        volume = np.asarray(nibabel.nifti1.load(file).dataobj, np.float32)
        for axis in range(3):
            for index in np.linspace(0.1, 0.9, 24) * volume.shape[axis]:
                found.append(_square(np.take(volume, int(index), axis), size))
    return found


def real_negatives(dataset_dir: str | Path, size: int) -> torch.Tensor:
    """All pictures that are read from files, `(N, 1, size, size)`."""
    return torch.stack([*sample_pictures(size), *sample_dicoms(size), *brain_slices(dataset_dir, size)])


def limbs(n: int, size: int, generator: torch.Generator) -> torch.Tensor:
    """Drawn limbs `(n, 1, size, size)`: one to five long bones with bright cortex in a band of soft tissue."""
    ys = torch.linspace(-1, 1, size)[:, None].expand(size, size)
    xs = torch.linspace(-1, 1, size)[None, :].expand(size, size)

    def draw(low: float, high: float) -> float:
        return (low + (high - low) * torch.rand(1, generator=generator)).item()

    films = []
    for _ in range(n):
        image = torch.zeros(size, size) + draw(0, 0.1)
        bones = int(draw(1, 5.99))
        bend, width = draw(-0.4, 0.4), draw(0.35, 0.8)
        across = xs - bend * ys**2 - draw(-0.3, 0.3) * ys
        tissue = torch.sigmoid((width * (1 + draw(-0.4, 0.4) * ys) - across.abs()) * 30)
        image = image + draw(0.2, 0.5) * tissue
        for bone in range(bones):
            centre = (bone + 0.5) / bones * 2 * width - width
            radius = draw(0.25, 0.45) * width / bones * (1 + draw(0, 0.6) * ys.abs() ** 3)
            gap = (ys - draw(-0.5, 0.5)).abs() > draw(0.0, 0.06)
            edge = ((across - 0.9 * centre).abs() - radius).abs()
            inside = torch.sigmoid((radius - (across - 0.9 * centre).abs()) * 40) * gap
            image = image + inside * (0.15 + draw(0.1, 0.4) * torch.exp(-edge * draw(10, 30)))
        films.append(image.clamp(0, 1)[None])
    return torch.stack(films)


def shapes(n: int, size: int, generator: torch.Generator) -> torch.Tensor:
    """Noise at every scale, discs and rings `(n, 1, size, size)`: phantoms, body sections, blank plates."""
    image = torch.zeros(n, 1, size, size)
    for cells in (2, 5, 11, 23, 47):
        noise = torch.randn(n, 1, cells, cells, generator=generator) * torch.rand(n, 1, 1, 1, generator=generator) ** 2
        image = image + functional.interpolate(noise, size=(size, size), mode="bicubic", align_corners=False)
    ys = torch.linspace(-1, 1, size)[None, None, :, None]
    xs = torch.linspace(-1, 1, size)[None, None, None, :]
    image = image * torch.rand(n, 1, 1, 1, generator=generator)
    for _ in range(4):
        cy, cx, ry, rx, value, keep = (torch.rand(6, n, 1, 1, 1, generator=generator) * 2 - 1).unbind(0)
        radius = ((ys - cy * 0.6) / (0.15 + ry.abs() * 0.8)) ** 2 + ((xs - cx * 0.6) / (0.15 + rx.abs() * 0.8)) ** 2
        image = image + 2.5 * value * torch.sigmoid((1 - radius) * 20) * (keep > 0)
    low, high = image.amin((1, 2, 3), keepdim=True), image.amax((1, 2, 3), keepdim=True)
    return (image - low) / (high - low)


def zooms(films: torch.Tensor, generator: torch.Generator, *, low: float = 0.14, high: float = 0.25) -> torch.Tensor:
    """Parts of pictures that take `low` to `high` of their side; of a film, four to seven times: no chest any more."""
    n = len(films)
    scale = low + (high - low) * torch.rand(n, generator=generator)
    shift = (torch.rand(n, 2, generator=generator) * 2 - 1) * 0.8
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = scale
    theta[:, :, 2] = shift
    return functional.grid_sample(
        films, functional.affine_grid(theta, list(films.shape), align_corners=False), align_corners=False
    )
