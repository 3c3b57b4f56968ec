import multiprocessing
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest
from film_builders import dicom, pixels, png, transcode
from pydicom.data import get_testdata_file

from monai_cars.files import decode_process as decoding
from monai_cars.files.decode_process import DecodeError, DecodeProcess
from monai_cars.files.radiograph import RadiographError, read_radiograph

# A child that speaks the protocol, but whose decoder does something else to files whose name says so.
CHILD = """
import ctypes, os, sys
import PIL.PngImagePlugin, PIL.JpegImagePlugin
from monai_cars.files import decode_worker
real = decode_worker.read_raster
def hostile(path):
    open(sys.argv[1], "a").write("decode\\n")
    if "hang" in os.path.basename(path):
        ctypes.CDLL(None).pause()  # in native code, deaf to Python
    if "abort" in os.path.basename(path):
        os.abort()
    if "segfault" in os.path.basename(path):
        ctypes.string_at(0)
    if "memory" in os.path.basename(path):
        bytearray(1 << 40)
    if "noise" in os.path.basename(path):
        os.write(1, b"a native decoder prints to stdout")
    return real(path)
decode_worker.read_raster = hostile
decode_worker.serve()
"""


@pytest.fixture
def child(tmp_path):
    log = tmp_path / "log"
    process = DecodeProcess((sys.executable, "-P", "-c", CHILD, str(log)))
    process.log = log
    yield process
    process.close()


def film(tmp_path, name):
    return png(tmp_path / f"{name}.png", pixels(8))


def test_a_hang_costs_one_file(tmp_path, child, monkeypatch):
    assert child(film(tmp_path, "good"), "raster")[0].shape == (144, 160)
    with monkeypatch.context() as patch:
        patch.setattr(child, "_seconds", 1.0)
        with pytest.raises(DecodeError, match="the decoder exceeded its time limit of 1 s"):
            child(film(tmp_path, "hang"), "raster")
    assert child(film(tmp_path, "good"), "raster")[0].shape == (144, 160)


@pytest.mark.parametrize(("how", "number"), [("abort", signal.SIGABRT), ("segfault", signal.SIGSEGV)])
def test_a_crash_costs_one_file(tmp_path, child, how, number):
    assert child(film(tmp_path, "good"), "raster")[0].any()
    with pytest.raises(DecodeError, match=rf"the decoder crashed \(exit status -{int(number)}\)"):
        child(film(tmp_path, how), "raster")
    assert child(film(tmp_path, "good"), "raster")[0].any()
    # A used process may have been damaged by an earlier file: a fresh one tried once more.
    assert child.log.read_text().count("decode") == 4


def test_memory_and_noise_are_contained(tmp_path, child):
    with pytest.raises(DecodeError, match="MemoryError"):
        child(film(tmp_path, "memory"), "raster")
    assert np.array_equal(child(film(tmp_path, "noise"), "raster")[0], pixels(8))


def test_a_child_that_died_while_idle_is_replaced(tmp_path, child):
    child(film(tmp_path, "good"), "raster")
    os.kill(child._process.pid, signal.SIGKILL)
    assert child(film(tmp_path, "good"), "raster")[0].any()


@pytest.mark.parametrize(
    "code",
    [
        "print('nonsense')",
        "raise SystemExit(3)",
        "print('ready', flush=True); input(); print('{}')",
        "print('ready', flush=True); input(); print('[]')",
        "print('ready', flush=True); input(); print('half a line')",
        'print(\'ready\', flush=True); input(); print(\'{"shape": [9, 9], "dtype": "|u1", "notes": {}}\')',
    ],
)
def test_a_child_that_does_not_speak_the_protocol_is_a_crash(tmp_path, code):
    with pytest.raises(DecodeError, match="the decoder crashed"):
        DecodeProcess((sys.executable, "-c", code))(film(tmp_path, "good"), "raster")


def test_a_child_that_cannot_be_started_is_an_error(tmp_path):
    with pytest.raises(DecodeError, match=r"the decoder cannot be started \(.*No such file"):
        DecodeProcess((str(tmp_path / "python"),))(film(tmp_path, "good"), "raster")


def test_an_interrupted_exchange_does_not_shift_the_replies(tmp_path, child, monkeypatch):
    child(film(tmp_path, "good"), "raster")

    def interrupted(process, request):
        process.stdin.write(request)
        process.stdin.flush()
        raise KeyboardInterrupt

    good = film(tmp_path, "other")
    with monkeypatch.context() as patch:
        patch.setattr(decoding, "_talk", interrupted)
        with pytest.raises(KeyboardInterrupt):
            child(good, "raster")
    other = png(tmp_path / "other.png", pixels(8, seed=5))
    assert np.array_equal(child(other, "raster")[0], pixels(8, seed=5))


def test_a_hang_in_the_default_decoder_is_a_radiograph_error(tmp_path, child, monkeypatch):
    monkeypatch.setattr(decoding, "_PROCESSES", {os.getpid(): child})
    for how, seconds, message in (
        ("hang", 1.0, r"hang\.png: the image must decode \(got the decoder exceeded its time limit.*leave it out"),
        ("abort", 60.0, r"abort\.png: the image must decode \(got the decoder crashed"),
    ):
        monkeypatch.setattr(child, "_seconds", seconds)
        with pytest.raises(RadiographError, match=message):
            read_radiograph(film(tmp_path, how))


def test_native_files_start_no_process(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "_PROCESSES", {})
    read_radiograph(dicom(tmp_path / "film.dcm", pixels(), 12))
    assert decoding._PROCESSES == {}


def test_threads_share_one_child(tmp_path):
    films = {seed: png(tmp_path / f"{seed}.png", pixels(16, seed=seed)) for seed in range(8)}
    read = {}
    threads = [
        threading.Thread(target=lambda seed=seed: read.update({seed: decoding.decode(films[seed], "raster")[0]}))
        for seed in films
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(np.array_equal(read[seed], pixels(16, seed=seed)) for seed in films)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_daemonic_workers_decode_with_children_of_their_own(tmp_path, method):
    source = dicom(tmp_path / "film.dcm", pixels(), 12)
    compressed = str(transcode(source, tmp_path / "compressed.dcm", "JPEG-LS"))
    work = [(compressed, "dicom"), (str(film(tmp_path, "good")), "raster")] * 3
    expected = [decoding.decode(*item)[0] for item in work]  # the parent's own child runs from now on
    with multiprocessing.get_context(method).Pool(2) as pool:  # its workers are daemons
        read = pool.starmap(decoding.decode, work, chunksize=1)
    assert all(np.array_equal(values, wanted) for (values, _), wanted in zip(read, expected, strict=True))


def test_children_end_with_their_parent(tmp_path):
    path = get_testdata_file("RG1_J2KI.dcm")
    code = (
        "import sys\nfrom monai_cars.files import decode_process\n"
        "decode_process.decode(sys.argv[1], 'dicom')\n"
        "import os\nprint(next(iter(decode_process._PROCESSES.values()))._process.pid, flush=True)\nos._exit(0)"
    )
    import subprocess

    pid = int(subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True).stdout)
    deadline = time.monotonic() + 300  # it ends at once, but a busy machine is slow
    while time.monotonic() < deadline and _alive(pid):
        time.sleep(0.1)
    assert not _alive(pid)


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().split()[2] != "Z"
    except OSError:
        return False
