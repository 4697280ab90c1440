# ---
# jupyter:
#   ecglib:
#     makes: [fig00_cnn2d_confusion, fig17_cnn2d_layers]
#     curves: [cnn2d]
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2D CNN
#
# The branch that looks at the picture of the spectrogram: four convolutions with 8, 16, 32 and 64 filters,
# each with LeakyReLU, batch normalisation and max-pooling. The flattened last max-pool is the branch's
# *feature*; one linear layer with dropout makes the class *scores* of it. Trained with Adamax (report,
# Table II). The original paper starts at 32 filters instead of 8.
#
# That is the design `report`; `original` has another picture too, and `best` is a residual network on a third one
# (all of them in notebook 01). Everything below is of the design that the profile asks for.

# %%
import numpy as np
import torch

from ecglib.experiment import Experiment
from ecglib.figures.architecture import draw_layers
from ecglib.figures.curves import learning_curves
from ecglib.figures.results import confusion_figure
from ecglib.models.tracing import layer_table
from ecglib.names import FIGURE_NUMBERS
from ecglib.parameters import load_parameters
from ecglib.publish import publish_figure
from ecglib.results.epochs import curve
from ecglib.results.tables import class_metric_table, metric_summary

# %% tags=["parameters"]
profile: str = "demo"  # a file of params/: demo (invented beats), reduced, ptbxl, full
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"cnn2d_epochs": 10}

# %%
parameters = load_parameters(profile, **overrides)
experiment = Experiment(parameters, dataset)
classes = len(experiment.class_names)
untrained = experiment.untrained("cnn2d")
print(f"{sum(p.numel() for p in untrained.parameters()):,} parameters, {classes} classes")

# %% [markdown]
# ## The architecture (Fig. 17)
#
# Table and drawing are read from the module itself while one example runs through it.

# %%
layer_table(untrained, torch.zeros(1, *untrained.config.input_shape))

# %%
publish_figure(
    draw_layers(untrained, torch.zeros(1, *untrained.config.input_shape), title="2D CNN"),
    experiment,
    17,
    "cnn2d_layers",
)

# %% [markdown]
# ## Training
#
# A finished run is loaded; an interrupted one goes on from its last epoch. The training curve is measured in passing,
# as in notebook 02.

# %% tags=["nbval-ignore-output"]
run = experiment.run("cnn2d")
print(f"weights of epoch {run.best_epoch} of {len(run.history)}; trained {run.train_s:.1f} s on {run.hardware}")

# %% tags=["nbval-ignore-output"]
figure = learning_curves(curve(experiment, "cnn2d"), f"2D CNN, {dataset}")
publish_figure(figure, experiment, FIGURE_NUMBERS["cnn2d", dataset], "cnn2d_learning_curves")

# %% [markdown]
# ## Test
#
# With the weights of the epoch that had the highest validation accuracy, or of the last one where the profile says
# so (its parameter `selection`). The intervals are 95 % bootstrap
# intervals over the test beats; they do not cover the choice of seed.

# %% tags=["nbval-ignore-output"]
metric_summary(run.metrics)

# %% tags=["nbval-ignore-output"]
class_metric_table(run.metrics, experiment.class_names)

# %% tags=["nbval-ignore-output"]
figure = confusion_figure(
    np.array(run.metrics.confusion), experiment.class_names, title=f"2D CNN, {dataset}: test beats"
)
publish_figure(figure, experiment, 0, "cnn2d_confusion")
