"""Training code stays apart: nothing that runs on a user's films needs it."""

import pkgutil
import subprocess
import sys

import monai_cars

TRAINING = "monai_cars.chest_xray.training"
RUNTIME = sorted(
    module.name
    for module in pkgutil.walk_packages(monai_cars.__path__, "monai_cars.")
    if not module.name.startswith(TRAINING)
)


def test_the_whole_runtime_loads_no_training_code():
    assert len(RUNTIME) > 200
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[2:]:\n    importlib.import_module(name)\n"
        "assert set(sys.argv[2:]) <= set(sys.modules)\n"
        "print([name for name in sys.modules if name.startswith(sys.argv[1])])"
    )
    command = [sys.executable, "-c", code, TRAINING, *RUNTIME]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"
