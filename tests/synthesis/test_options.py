import sys

import pytest

from monai_cars.synthesis import OptionError, check_options, spoken


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "inference.json"
    path.write_text('{"dataset_dir": "films", "edits": []}')
    return path


def test_options_of_the_config_and_of_monai_pass(config):
    arguments = ["run", "--config_file", "x", "--dataset_dir=films", "--edits#0#severity", "0.5", "--edits::1", "{}"]
    check_options(config, [*arguments, "--logging_file", "y"])


def test_a_misspelt_option_is_refused_with_the_one_meant(config):
    with pytest.raises(OptionError, match=r"unknown option --dataset_dri; did you mean --dataset_dir\?"):
        check_options(config, ["run", "--dataset_dri", "films"])
    with pytest.raises(OptionError, match=r"unknown option --zzz; known: args_file, .*dataset_dir"):
        check_options(config, ["--zzz=1"])


def test_only_the_command_line_of_monai_bundle_is_read(config, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pytest", "--zzz"])
    check_options(config)
    monkeypatch.setattr(sys, "argv", ["/lib/monai/bundle/__main__.py", "run", "--zzz"])
    with pytest.raises(OptionError, match="unknown option --zzz"):
        check_options(config)


def test_errors_are_told_in_one_line_on_the_command_line_only(config, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pytest"])
    with pytest.raises(OptionError, match="unknown option --zzz"):
        spoken(check_options, config, ["--zzz"])
    monkeypatch.setattr(sys, "argv", ["/lib/monai/bundle/__main__.py", "run"])
    with pytest.raises(SystemExit, match="monai-cars: unknown option --zzz"):
        spoken(check_options, config, ["--zzz"])
    assert spoken(len, "abc") == 3
