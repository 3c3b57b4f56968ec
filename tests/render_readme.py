"""Make docs/demo.jpg, the picture of the README, from a run: ``python tests/render_readme.py runs/demo``."""

import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

TARGET = Path(__file__).resolve().parents[1] / "docs" / "demo.jpg"
WIDTH, MOST_BYTES = 1500, 400_000


def main(folder: Path) -> None:
    with Image.open(folder / "panel.png") as panel:
        picture = panel.convert("RGB").resize(
            (WIDTH, round(WIDTH * panel.height / panel.width)), Image.Resampling.LANCZOS
        )
    for quality in range(90, 30, -5):
        stream = BytesIO()
        picture.save(stream, "JPEG", quality=quality, optimize=True)
        if stream.tell() <= MOST_BYTES:
            break
    TARGET.write_bytes(stream.getvalue())
    print(f"{TARGET}: {picture.width} x {picture.height}, quality {quality}, {stream.tell()} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
