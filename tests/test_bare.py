"""The training path on a machine that has torch, NumPy, SciPy, scikit-learn and pydantic, and nothing else."""

import subprocess
import sys
from importlib.metadata import packages_distributions

import numpy as np

from ecglib.data import synthetic
from ecglib.data.compact import write_compact

ALLOWED = {"torch", "numpy", "scipy", "sklearn", "pydantic"}
# what those five import themselves; the rest of the environment is hidden
OF_THESE = {
    *("pydantic_core", "typing_extensions", "annotated_types", "typing_inspection"),
    *("joblib", "cloudpickle", "threadpoolctl", "narwhals"),
    *("sympy", "mpmath", "jinja2", "markupsafe", "filelock", "networkx", "fsspec", "functorch", "torchgen"),
}
PROGRAM = """
import sys

hidden = set(sys.argv[2].split(","))

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in hidden else self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]

import numpy as np
import torch
from ecglib import spectrogram
from ecglib.data.compact import read_compact
from ecglib.data.splits import arrange, class_weights, split_beats
from ecglib.models import Cnn2d, CnnTransformer
from ecglib.optimizers import Adamax, Noam
from ecglib.steps import Examples
from ecglib.training import TrainingConfig, predict, train, train_together

beats = arrange(read_compact(sys.argv[1]), "kaggle")
split = split_beats(beats, "all", 0.2, 0, "kaggle")
weights = class_weights(beats.label[split.train], 5)
signal, label = torch.from_numpy(beats.signal), torch.from_numpy(beats.label)
for model, inputs, optimizer in (
    (CnnTransformer, lambda rows: signal[rows], Noam()),
    (Cnn2d, lambda rows: spectrogram.colour_cells(signal[rows]), Adamax()),
):
    prepare = (lambda cells: (spectrogram.enlarge(cells),)) if model is Cnn2d else (lambda *given: given)
    parts = [Examples((inputs(rows),), label[rows], prepare) for rows in (split.train, split.validation, split.test)]
    config = TrainingConfig(epochs=1, optimizer=optimizer)
    trained = model()
    history = train(trained, *parts[:2], config, weights).history
    train_together([model(), model()], *parts[:2], config, weights)
    scores, features = predict(trained, parts[2])
    print(model.__name__, len(history), tuple(scores.shape), len(trained.state_dict()))
"""


def test_training_imports_five_packages_alone(tmp_path):
    beats = synthetic.build("mitbih", 200)
    path = write_compact(beats, tmp_path / "beats.npz")
    hidden = set(packages_distributions()) - ALLOWED - OF_THESE - {"ecglib"}
    assert {"pandas", "pyarrow", "matplotlib", "safetensors", "yaml"} <= hidden
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), ",".join(hidden)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    test = np.count_nonzero(beats.split == "test")
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["CnnTransformer", "1"], ["Cnn2d", "1"]]
    assert f"({test}, 5)" in done.stdout
