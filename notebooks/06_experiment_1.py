# ---
# jupyter:
#   ecglib:
#     after: [04_late_fusion]
#     makes: [table3, table4]
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
# # Experiment 1: one branch or both
#
# Does joining the raw beat and its spectrogram beat each of them alone? Both papers say that it does, on
# both data sets and by every metric.

# %%
from ecglib.experiment import Experiment
from ecglib.names import EXPERIMENT_1
from ecglib.parameters import load_parameters
from ecglib.publish import publish_table
from ecglib.results.tables import claim, metrics_side_by_side, metrics_table, times_side_by_side, times_table

# %% tags=["parameters"]
profile: str = "demo"  # a file of params/: demo (invented beats), reduced, ptbxl, full
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"fusion_epochs": 20}

# %%
parameters = load_parameters(profile, **overrides)
experiment = Experiment(parameters, dataset)
print("models:", ", ".join(EXPERIMENT_1))

# %% [markdown]
# ## Time (Table III)
#
# Ours: training with its validation, epoch by epoch, and classifying the test set once. A fusion's time
# holds one evaluation of both branches, which the report repeated in every epoch. Different hardware,
# so the columns say what it took, not which code is better.

# %% tags=["nbval-ignore-output"]
times = times_table(experiment, EXPERIMENT_1)
publish_table(times, times_side_by_side(times), experiment, 3)

# %% [markdown]
# ## Test results (Table IV, beside the original's Table V)
#
# In percent. The report's F1 is weighted by class size, the original's is the macro mean, so ours is
# given both ways; what a paper did not print is said so. In brackets: ours, a 95 % bootstrap interval
# over the test beats; the original, its mean minus and plus one standard deviation of 10 repetitions.

# %% tags=["nbval-ignore-output"]
metrics = metrics_table(experiment, EXPERIMENT_1)
publish_table(metrics, metrics_side_by_side(metrics), experiment, 4)

# %% [markdown]
# ## Does the paper's claim hold here?
#
# On one seed. A lead that lies inside the intervals above decides nothing.

# %% tags=["nbval-ignore-output"]
print(claim(metrics, "late"))
