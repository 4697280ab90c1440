# ---
# jupyter:
#   ecglib:
#     makes:
#     - table_classes_cnn_transformer
#     - fig00_cnn_transformer_confusion
#     - fig00_cnn_transformer_operating_curves
#     - fig15_hybrid_pipeline
#     - fig16_cnn_transformer_layers
#     curves: [cnn_transformer]
#     also: [ptb]
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
# **Question.** How well does the branch that reads the raw beat classify it?
#
# **Method.** Six convolutions turn 187 samples into nine tokens, a learned class token is put in front, and eight layers of
# self-attention let the ten look at each other. The class token's final state is the branch's *feature*; layer
# normalisation and one linear layer make the class *scores* of it. Trained with Adam under the Noam schedule (report,
# section III.A.1, Tables I and II). In the design `original` four of the convolutions are one and the same; in `best` the
# branch is a residual network with one layer of self-attention.

# %%
import inspect
from textwrap import dedent

import numpy as np
import torch

from ecglib.experiment import Experiment
from ecglib.figures.architecture import draw_hybrid, draw_layers
from ecglib.figures.curves import learning_curves
from ecglib.figures.results import confusion_figure, operating_curves
from ecglib.models.tracing import layer_table
from ecglib.names import FIGURE_NUMBERS
from ecglib.parameters import injected_parameters, load_parameters
from ecglib.publish import publish_figure, publish_table
from ecglib.results.epochs import curve
from ecglib.results.tables import class_metric_summary, class_metric_table, metric_summary

# %% [markdown]
# Change a value here and run the notebook again. A finished result is loaded; what is not there is trained. Results of
# changed parameters go to a folder of their own, so that a trial never overwrites a profile's.

# %% tags=["parameters"]
profile: str = "reduced"  # a file of params/; "demo" trains on invented beats
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"cnn_transformer_epochs": 10}

# %%
parameters = load_parameters(profile, **overrides, **injected_parameters(In))
experiment = Experiment(parameters, dataset)

untrained = experiment.untrained("cnn_transformer")
design = experiment.design
print(f"{sum(p.numel() for p in untrained.parameters()):,} parameters, {len(experiment.class_names)} classes")

# %% [markdown]
# ## The architecture (Fig. 16)
#
# Read from the module itself while one example runs through it.

# %%
layer_table(untrained, torch.zeros(1, 187))

# %% [markdown]
# The pass from beats to scores and features, as it runs:

# %%
print(dedent(inspect.getsource(type(untrained).forward)))

# %%
title = f"{design.model_title('cnn_transformer')}, design {design.title}"
figure = draw_layers(untrained, torch.zeros(1, 187), title=title)
publish_figure(figure, experiment, 16, "cnn_transformer_layers")

# %% [markdown]
# ## Where it stands in the whole (Fig. 15)
#
# Both branches are trained on their own and then frozen. A late fusion joins their scores, an intermediate fusion their
# features.

# %%
models = (experiment.untrained(name) for name in ("cnn_transformer", "cnn2d", "late", "concat"))
figure = draw_hybrid(*models, title=f"The hybrid model, design {design.title}")
publish_figure(figure, experiment, 15, "hybrid_pipeline")

# %% [markdown]
# ## Training
#
# The training curve is measured in passing, with dropout on, so that it may lie below the validation's. The triangle marks
# the first epoch that the validation beats cannot tell from the best one.

# %%
run = experiment.run("cnn_transformer")
print(f"weights of epoch {run.best_epoch} of {len(run.history)}")

# %%
figure = learning_curves(
    curve(experiment, "cnn_transformer"), f"{experiment.design.model_title('cnn_transformer')}, {experiment.title}"
)
publish_figure(figure, experiment, FIGURE_NUMBERS["cnn_transformer", dataset], "cnn_transformer_learning_curves")

# %% [markdown]
# ## Test
#
# Of the kept weights, on the test beats. The intervals are 95 % bootstrap intervals over the test beats; they hold the
# trained model and the patients fixed.

# %%
metric_summary(run.metrics)

# %%
classes = class_metric_table(run.metrics, experiment.class_names)
publish_table(classes, class_metric_summary(classes), experiment, "classes_cnn_transformer")

# %%
title = f"{experiment.design.model_title('cnn_transformer')}, {experiment.title}: test beats"
figure = confusion_figure(np.array(run.metrics.confusion), experiment.class_names, title)
publish_figure(figure, experiment, 0, "cnn_transformer_confusion")

# %%
figure = operating_curves(run.predictions.label, run.predictions.scores, experiment.class_names, title)
publish_figure(figure, experiment, 0, "cnn_transformer_operating_curves")

# %% [markdown] tags=["interpretation"]
# **What it shows.** MCC <!--n reduced/table4_mitbih model=cnn_transformer reported_by=ours : mcc percent-->85.48<!--/n-->,
# against <!--n reduced/table4_mitbih model=cnn_transformer reported_by=report : mcc percent-->81.20<!--/n--> in the report. The
# mistakes are not spread evenly: of the beats called S only <!--n reduced/table_classes_cnn_transformer_mitbih class=S : positive_predictive_value percent1-->46.6<!--/n--> %
# are S, of those called F <!--n reduced/table_classes_cnn_transformer_mitbih class=F : positive_predictive_value percent1-->46.6<!--/n--> %.
# The training beats are balanced, by the cut and by the class weights; the test beats are not, so that a small share of
# the many N beats outnumbers the right S and F. One seed; the interval over test beats does not cover another one.

# %% [markdown]
# Next: [03, the 2D CNN](03_cnn2d.ipynb)
