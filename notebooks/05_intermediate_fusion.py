# ---
# jupyter:
#   ecglib:
#     after: [04_late_fusion]
#     makes: [table_classes_concat, fig00_concat_confusion]
#     curves: [concat, sum, weighted_sum]
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
# # Intermediate fusion
#
# **Question.** Is it better to join the branches' features than their scores?
#
# **Method.** The frozen branches' features, 128 and 2,304 numbers, are projected to 64 each and joined in one of three ways:
# concatenation, sum, or a sum with two learned weights. One layer makes the scores (report, section III.A.4).

# %%
import inspect
from textwrap import dedent

import numpy as np
import pandas as pd

from ecglib.experiment import Experiment
from ecglib.figures.curves import learning_curves
from ecglib.figures.results import confusion_figure
from ecglib.names import FIGURE_NUMBERS, MODEL_TITLES
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

methods = ("concat", "sum", "weighted_sum")
for method in methods:
    fusion = experiment.untrained(method)
    print(f"{MODEL_TITLES[method]}: {sum(p.numel() for p in fusion.parameters()):,} parameters")
runs = {method: experiment.run(method) for method in methods}

# %% [markdown]
# The fusion, as it runs; `weight_1d` and `weight_2d` are single numbers:

# %%
print(dedent(inspect.getsource(type(fusion).forward)))

# %% [markdown]
# ## Training (Figs. 9 to 14)

# %%
figure = learning_curves(curve(experiment, "concat"), f"{MODEL_TITLES['concat']}, {experiment.title}")
publish_figure(figure, experiment, FIGURE_NUMBERS["concat", dataset], "concat_learning_curves")

# %%
figure = learning_curves(curve(experiment, "sum"), f"{MODEL_TITLES['sum']}, {experiment.title}")
publish_figure(figure, experiment, FIGURE_NUMBERS["sum", dataset], "sum_learning_curves")

# %%
figure = learning_curves(curve(experiment, "weighted_sum"), f"{MODEL_TITLES['weighted_sum']}, {experiment.title}")
publish_figure(figure, experiment, FIGURE_NUMBERS["weighted_sum", dataset], "weighted_sum_learning_curves")

# %% [markdown]
# ## Test

# %%
pd.concat({MODEL_TITLES[method]: metric_summary(run.metrics) for method, run in runs.items()})

# %%
classes = class_metric_table(runs["concat"].metrics, experiment.class_names)
publish_table(classes, class_metric_summary(classes), experiment, "classes_concat")

# %%
matrix, title = np.array(runs["concat"].metrics.confusion), f"{MODEL_TITLES['concat']}, {experiment.title}: test beats"
publish_figure(confusion_figure(matrix, experiment.class_names, title), experiment, 0, "concat_confusion")

# %%
weights = runs["weighted_sum"].weights
if weights is not None:
    print(f"the weighted sum's two weights: 1D {weights['weight_1d']:.3f}, 2D {weights['weight_2d']:.3f}")

# %% [markdown] tags=["interpretation"]
# **What it shows.** All three learn what they can in the first epochs: both branches have seen the same training beats,
# and the 1D branch is nearly perfect on them, so that there is little left to learn. They end close to each other, between <!--n reduced/table7_mitbih reported_by=ours model!=late : min(mcc) percent-->85.91<!--/n--> and <!--n reduced/table7_mitbih reported_by=ours model!=late : max(mcc) percent-->86.34<!--/n--> MCC, below late fusion's <!--n reduced/table7_mitbih reported_by=ours model=late : mcc percent-->87.29<!--/n-->. Each is above the report's.

# %% [markdown]
# Next: [06, experiment 1](06_experiment_1.ipynb)
