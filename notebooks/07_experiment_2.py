# ---
# jupyter:
#   ecglib:
#     after: [05_intermediate_fusion]
#     makes: [table6, table7]
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
# # Experiment 2: where to join the branches?
#
# **Question.** The papers' second experiment compares three intermediate fusions with late fusion.
#
# **Method.** Times (Table VI) and test metrics (Table VII; Table VIII is the original's), as in notebook 06.

# %%
from ecglib.experiment import Experiment
from ecglib.names import EXPERIMENT_2
from ecglib.parameters import injected_parameters, load_parameters
from ecglib.publish import publish_table
from ecglib.results.tables import metrics_side_by_side, metrics_table, times_side_by_side, times_table

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
# ## Time (Table VI)

# %%
times = times_table(experiment, EXPERIMENT_2)
publish_table(times, times_side_by_side(times), experiment, 6)

# %% [markdown]
# ## Test metrics (Tables VII and VIII)
#
# Below the fusions stand the plain baselines of notebook 06.

# %%
metrics = metrics_table(experiment, EXPERIMENT_2)
publish_table(metrics, metrics_side_by_side(metrics), experiment, 7)

# %% [markdown] tags=["interpretation"]
# **What it shows.** Late fusion is ahead of the best intermediate fusion by <!--n reduced/table_claims_mitbih other=weighted_sum : mcc points-->+0.95<!--/n--> points of MCC
# ([<!--n reduced/table_claims_mitbih other=weighted_sum : mcc_people_low points-->+0.33<!--/n-->, <!--n reduced/table_claims_mitbih other=weighted_sum : mcc_people_high points-->+1.79<!--/n-->] over patients). The intervals
# in the table are of each model alone and overlap; both models classify the same beats, and the paired difference, which
# decides, is in notebook 10. On all of MIT-BIH this finding is gone (notebook 10).

# %% [markdown]
# Next: [08, new patients](08_by_patient.ipynb)
