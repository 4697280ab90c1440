# ---
# jupyter:
#   ecglib:
#     makes: [fig00_cnn_transformer_confusion, fig15_hybrid_pipeline, fig16_cnn_transformer_layers]
#     curves: [cnn_transformer]
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
# # 1D CNN-Transformer
#
# The branch that reads the raw beat: six convolutions turn 187 samples into nine tokens, a learned class
# token is put in front, and eight layers of self-attention let the ten look at each other. The class
# token's final state is the branch's *feature*; layer normalisation and one linear layer make the
# class *scores* of it. Trained with Adam under the Noam schedule (report, Tables I and II).
#
# That is the design `report`; in `original` four of the convolutions are one and the same, and `best` is a residual
# network with one layer of self-attention. Everything below is of the design that the profile asks for.

# %%
import numpy as np
import torch

from ecglib.experiment import Experiment
from ecglib.figures.architecture import draw_hybrid, draw_layers
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
overrides: dict = {}  # single parameters, such as {"cnn_transformer_epochs": 10}

# %%
parameters = load_parameters(profile, **overrides)
experiment = Experiment(parameters, dataset)
classes = len(experiment.class_names)
untrained = experiment.untrained("cnn_transformer")
print(f"{sum(p.numel() for p in untrained.parameters()):,} parameters, {classes} classes")

# %% [markdown]
# ## The architecture (Fig. 16)
#
# Table and drawing are read from the module itself while one example runs through it.

# %%
layer_table(untrained, torch.zeros(1, 187))

# %%
publish_figure(
    draw_layers(untrained, torch.zeros(1, 187), title="1D CNN-Transformer"), experiment, 16, "cnn_transformer_layers"
)

# %% [markdown]
# ## Where it stands in the whole (Fig. 15)
#
# Both branches are trained on their own and then frozen. A late fusion joins their scores, an
# intermediate fusion their features.

# %%
figure = draw_hybrid(
    *(experiment.untrained(name) for name in ("cnn_transformer", "cnn2d", "late", "concat")),
    title="The hybrid model",
)
publish_figure(figure, experiment, 15, "hybrid_pipeline")

# %% [markdown]
# ## Training
#
# A finished run is loaded; an interrupted one goes on from its last epoch. The training curve is measured in passing:
# with dropout on, and on varied and mixed beats where the profile has them (`augmentation`, `mixup`). So it may lie
# on the wrong side of the validation's.

# %% tags=["nbval-ignore-output"]
run = experiment.run("cnn_transformer")
print(f"weights of epoch {run.best_epoch} of {len(run.history)}; trained {run.train_s:.1f} s on {run.hardware}")

# %% tags=["nbval-ignore-output"]
figure = learning_curves(curve(experiment, "cnn_transformer"), f"1D CNN-Transformer, {dataset}")
publish_figure(figure, experiment, FIGURE_NUMBERS["cnn_transformer", dataset], "cnn_transformer_learning_curves")

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
    np.array(run.metrics.confusion), experiment.class_names, title=f"1D CNN-Transformer, {dataset}: test beats"
)
publish_figure(figure, experiment, 0, "cnn_transformer_confusion")
