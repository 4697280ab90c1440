# ---
# jupyter:
#   ecglib:
#     after: [04_late_fusion]
#     curves: [concat, sum, weighted_sum]
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
# Instead of the scores, the features of the frozen branches are joined: both are projected to 64 numbers
# and then concatenated, added, or added with two learned weights; one linear layer makes the scores.

# %%
import pandas as pd

from ecglib.experiment import Experiment
from ecglib.figures.curves import learning_curves
from ecglib.names import FIGURE_NUMBERS, MODEL_TITLES
from ecglib.parameters import load_parameters
from ecglib.publish import publish_figure
from ecglib.results.epochs import curve
from ecglib.results.tables import metric_summary

# %% tags=["parameters"]
profile: str = "demo"  # a file of params/: demo (invented beats), reduced, ptbxl, full
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"fusion_epochs": 20}

# %%
parameters = load_parameters(profile, **overrides)
experiment = Experiment(parameters, dataset)
methods = ("concat", "sum", "weighted_sum")
for method in methods:
    fusion = experiment.untrained(method)
    print(f"{MODEL_TITLES[method]}: {sum(p.numel() for p in fusion.parameters()):,} parameters")

# %% [markdown]
# ## Training

# %% tags=["nbval-ignore-output"]
runs = {method: experiment.run(method) for method in methods}

# %% [markdown]
# ### Concatenation

# %% tags=["nbval-ignore-output"]
figure = learning_curves(curve(experiment, "concat"), f"Intermediate fusion, concatenation, {dataset}")
publish_figure(figure, experiment, FIGURE_NUMBERS["concat", dataset], "concat_learning_curves")

# %% [markdown]
# ### Sum

# %% tags=["nbval-ignore-output"]
figure = learning_curves(curve(experiment, "sum"), f"Intermediate fusion, sum, {dataset}")
publish_figure(figure, experiment, FIGURE_NUMBERS["sum", dataset], "sum_learning_curves")

# %% [markdown]
# ### Weighted sum

# %% tags=["nbval-ignore-output"]
figure = learning_curves(curve(experiment, "weighted_sum"), f"Intermediate fusion, weighted sum, {dataset}")
publish_figure(figure, experiment, FIGURE_NUMBERS["weighted_sum", dataset], "weighted_sum_learning_curves")

# %% [markdown]
# ## Test

# %% tags=["nbval-ignore-output"]
pd.concat({MODEL_TITLES[method]: metric_summary(run.metrics) for method, run in runs.items()})
