# ---
# jupyter:
#   ecglib:
#     after: [02_cnn_transformer, 03_cnn2d]
#     makes: [fig00_late_confusion]
#     curves: [late]
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
# Both trained branches are frozen, in evaluation mode, and give class scores for every beat, once. The
# fusion multiplies each branch's scores (in the design `original`: its probabilities) with a learned weight a class and
# adds the two: ten numbers to learn for five classes, four for two.

# %%
import numpy as np
import pandas as pd

from ecglib.experiment import Experiment
from ecglib.figures.curves import learning_curves
from ecglib.figures.results import confusion_figure
from ecglib.names import FIGURE_NUMBERS, MODEL_TITLES
from ecglib.parameters import load_parameters
from ecglib.publish import publish_figure
from ecglib.results.epochs import curve
from ecglib.results.tables import class_metric_table, metric_summary

# %% tags=["parameters"]
profile: str = "demo"  # a file of params/: demo (invented beats), reduced, ptbxl, full
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"fusion_epochs": 20}

# %%
parameters = load_parameters(profile, **overrides)
experiment = Experiment(parameters, dataset)

# %% [markdown]
# ## Training
#
# The branches come from notebooks 02 and 03; where they have not run, the branches are trained here.

# %% tags=["nbval-ignore-output"]
run = experiment.run("late")
print(f"weights of epoch {run.best_epoch} of {len(run.history)}; trained {run.train_s:.1f} s on {run.hardware}")

# %% tags=["nbval-ignore-output"]
figure = learning_curves(curve(experiment, "late"), f"Late fusion, {dataset}")
publish_figure(figure, experiment, FIGURE_NUMBERS["late", dataset], "late_learning_curves")

# %% [markdown]
# ## What it learned
#
# One weight a class and branch; all start at one (in the design `original`: at random). A larger weight means that the
# fusion leans on that branch for that class (as far as the branches' scores are of one size).

# %% tags=["nbval-ignore-output"]
weights = {}
if run.weights is not None:  # of some runs the repository holds the results alone
    fusion = experiment.model("late").fusion
    weights = {MODEL_TITLES["cnn_transformer"]: fusion.weight_1d, MODEL_TITLES["cnn2d"]: fusion.weight_2d}
pd.DataFrame(
    {title: weight.numpy(force=True).round(3) for title, weight in weights.items()}, index=experiment.class_names
)

# %% [markdown]
# ## Test

# %% tags=["nbval-ignore-output"]
metric_summary(run.metrics)

# %% tags=["nbval-ignore-output"]
class_metric_table(run.metrics, experiment.class_names)

# %% tags=["nbval-ignore-output"]
figure = confusion_figure(
    np.array(run.metrics.confusion), experiment.class_names, title=f"Late fusion, {dataset}: test beats"
)
publish_figure(figure, experiment, 0, "late_confusion")
