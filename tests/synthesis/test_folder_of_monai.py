"""What MONAI itself puts into the output folder before a run begins is nobody's work that a run could overwrite."""

import pytest

from monai_cars.synthesis import RunFolder


@pytest.mark.parametrize("name", ["config_20261128_021141.json", "mlruns.db", "mlruns"])
def test_monais_own_files_do_not_make_a_folder_anothers(tmp_path, name):
    (tmp_path / name).write_text("{}")
    folder = RunFolder(tmp_path).start()
    folder.finish()
    assert (tmp_path / name).read_text() == "{}"


@pytest.mark.parametrize("name", ["config.json", "config_2026_02.json", "mlruns.db.bak", "film.dcm", "xmlruns"])
def test_other_files_do(tmp_path, name):
    (tmp_path / name).write_text("{}")
    with pytest.raises(FileExistsError, match="must be empty or made by an earlier run"):
        RunFolder(tmp_path)
