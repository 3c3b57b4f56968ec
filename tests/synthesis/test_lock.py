import subprocess
import sys

import pytest

from monai_cars.synthesis.lock import InUseError, open_locked, still_at

HOLD = """
import sys
from pathlib import Path
from monai_cars.synthesis.lock import open_locked
stream = open_locked(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_another_process_has_to_wait_and_a_killed_one_leaves_no_lock(tmp_path):
    path = tmp_path / "manifest"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(InUseError, match="another process writes to it"):
            open_locked(path)
        process.kill()
    open_locked(path).close()


def test_what_the_file_holds_stays_and_is_added_to(tmp_path):
    path = tmp_path / "manifest"
    path.write_text("one\n")
    with open_locked(path) as stream:
        stream.write(b"two\n")
    assert path.read_text() == "one\ntwo\n"


def test_a_file_that_got_another_name_is_no_longer_the_one_of_this_name(tmp_path):
    path = tmp_path / "part"
    with open_locked(path) as stream:
        assert still_at(stream, path)
        path.rename(tmp_path / "whole")
        assert not still_at(stream, path)
        with open_locked(path) as other:  # the lock went with the file
            assert still_at(other, path)
            assert not still_at(stream, path)
