# ---
# jupyter:
#   ecglib:
#     after: [02_cnn_transformer, 03_cnn2d]
#     makes: [table_classes_late, fig00_late_confusion, fig00_late_operating_curves]
#     curves: [late]
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
# # Late fusion
#
# **Question.** Do the scores of both branches together classify better than those of either?
#
# **Method.** Both trained branches are frozen and give class scores for every beat, once. The fusion multiplies each
# branch's scores (in the design `original`: its probabilities) with a learned weight a class and adds the two: ten numbers
# to learn for five classes (report, section III.A.3).

# %%
import inspect
from textwrap import dedent

import numpy as np
import pandas as pd

from ecglib.experiment import Experiment
from ecglib.figures.curves import learning_curves
from ecglib.figures.results import confusion_figure, operating_curves
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
overrides: dict = {}  # single parameters, such as {"fusion_epochs": 20}

# %%
parameters = load_parameters(profile, **overrides, **injected_parameters(In))
experiment = Experiment(parameters, dataset)

# %% [markdown]
# The fusion, as it runs:

# %%
print(dedent(inspect.getsource(type(experiment.untrained("late")).forward)))

# %% [markdown]
# ## Training
#
# The training curve is measured in passing, with dropout on, so that it may lie below the validation's. The triangle marks
# the first epoch that the validation beats cannot tell from the best one.

# %%
run = experiment.run("late")
print(f"weights of epoch {run.best_epoch} of {len(run.history)}")

# %%
figure = learning_curves(curve(experiment, "late"), f"{experiment.design.model_title('late')}, {experiment.title}")
publish_figure(figure, experiment, FIGURE_NUMBERS["late", dataset], "late_learning_curves")

# %% [markdown]
# ## What it learned
#
# All weights start at one (in the design `original`: at random). A larger weight means that the fusion leans on that branch
# for that class, as far as the branches' scores are of one size.

# %%
weights = run.weights or {}
columns = {
    f"weight of the {side.upper()} branch": weights[f"weight_{side}"].numpy() for side in ("1d", "2d") if weights
}
pd.DataFrame(columns, experiment.class_names).round(3) if weights else "kept of this run: the results alone"

# %% [markdown]
# ## Test
#
# Of the kept weights, on the test beats. The intervals are 95 % bootstrap intervals over the test beats; they hold the
# trained model and the patients fixed.

# %%
metric_summary(run.metrics)

# %%
classes = class_metric_table(run.metrics, experiment.class_names)
publish_table(classes, class_metric_summary(classes), experiment, "classes_late")

# %%
title = f"{experiment.design.model_title('late')}, {experiment.title}: test beats"
figure = confusion_figure(np.array(run.metrics.confusion), experiment.class_names, title)
publish_figure(figure, experiment, 0, "late_confusion")

# %%
figure = operating_curves(run.predictions.label, run.predictions.scores, experiment.class_names, title)
publish_figure(figure, experiment, 0, "late_operating_curves")

# %% [markdown] tags=["interpretation"]
# **What it shows.** MCC <!--n reduced/table4_mitbih model=late reported_by=ours : mcc percent-->87.29<!--/n-->, against <!--n reduced/table4_mitbih model=late reported_by=report : mcc percent-->84.12<!--/n--> in the report, and above both of its
# branches. It gains most where the 1D branch calls too many beats S or F: fewer are called so, and more of those rightly.
# Notebook 10 asks how much of that is joining two branches, and how much is undoing the class weights of one.

# %% [markdown]
# Next: [05, intermediate fusion](05_intermediate_fusion.ipynb)
