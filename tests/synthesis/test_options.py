import sys

import pytest

from monai_cars.files.atomic import CannotWriteError
from monai_cars.synthesis import OptionError, check_options, speak_plainly, spoken
from monai_cars.synthesis.options import message_of
from monai_cars.weights import WeightsError


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


def raised(error):
    raise error


def wrapped(error):
    """As MONAI wraps what a config names: twice."""
    try:
        try:
            raised(error)
        except Exception as inner:
            raise RuntimeError("Failed to instantiate component 'x'\n set '_mode_=debug'") from inner
    except RuntimeError as outer:
        try:
            raise RuntimeError("Failed to evaluate ...") from outer
        except RuntimeError as outermost:
            return outermost


@pytest.mark.parametrize(
    "error",
    [
        ValueError("said so"),
        WeightsError("said so"),
        CannotWriteError("said so"),
        MemoryError("said so"),
        RecursionError("said so"),
        ImportError("said so"),
        RuntimeError("said so\nand on"),
        OptionError("said\x1b so\n" + "x" * 9),
    ],
)
def test_what_an_input_a_disk_or_a_package_raises_is_one_line_also_within_monais_wrapping(monkeypatch, error):
    for each in (error, wrapped(error)):
        assert message_of(each).replace("\\x1b", "") == "monai-cars: said so"
    monkeypatch.setattr(sys, "argv", ["/lib/monai/bundle/__main__.py", "run"])
    with pytest.raises(SystemExit, match=r"^monai-cars: said"):
        spoken(raised, error)


def test_an_error_without_words_is_told_by_its_kind():
    assert message_of(MemoryError()) == "monai-cars: MemoryError"


@pytest.mark.parametrize("error", [TypeError("a fault"), KeyError("a fault"), AssertionError("a fault")])
def test_a_fault_of_the_library_keeps_its_traceback(monkeypatch, error):
    assert message_of(error) == message_of(wrapped(error)) == ""
    monkeypatch.setattr(sys, "argv", ["/lib/monai/bundle/__main__.py", "run"])
    with pytest.raises(type(error)):
        spoken(raised, error)


def test_from_here_on_errors_are_told_in_one_line_on_the_command_line_only(monkeypatch, capsys):
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(sys, "argv", ["pytest"])
    speak_plainly()
    assert sys.excepthook is sys.__excepthook__
    monkeypatch.setattr(sys, "argv", ["/lib/monai/bundle/__main__.py", "run"])
    speak_plainly()
    speak_plainly()
    error = wrapped(WeightsError("no such weights"))
    sys.excepthook(type(error), error, error.__traceback__)
    assert capsys.readouterr().err == "monai-cars: no such weights\n"
    fault = wrapped(TypeError("a fault"))
    sys.excepthook(type(fault), fault, fault.__traceback__)
    assert "Traceback" in capsys.readouterr().err
