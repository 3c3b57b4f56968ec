import errno
import os
import re

import pytest

from monai_cars.files.atomic import CannotWriteError, write_atomically


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_or_read_only_disk_is_told_in_one_line_and_leaves_what_stood_there(tmp_path, monkeypatch, call, code):
    target = tmp_path / "film.dcm"
    write_atomically(target, b"old")

    def fails(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, fails)
    message = rf"film.dcm: cannot be written \({re.escape(os.strerror(code))}\); free space or choose another folder"
    with pytest.raises(CannotWriteError, match=message) as caught:
        write_atomically(target, b"new")
    assert caught.value.errno == code
    assert [path.name for path in tmp_path.iterdir()] == ["film.dcm"]
    assert target.read_bytes() == b"old"


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(CannotWriteError, match=r"file/a/film.dcm: cannot be written \(Not a directory\)"):
        write_atomically(tmp_path / "file" / "a" / "film.dcm", b"new")
