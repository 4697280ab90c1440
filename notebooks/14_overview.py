# ---
# jupyter:
#   ecglib:
#     after: [05_intermediate_fusion, 09_repetitions]
#     makes: [table_overview, fig00_overview]
#     unless: {overview: [[]]}
#     beside: overview
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
# # Everything side by side
#
# What both papers print, and what this reproduction reached by each of its profiles (the parameter `overview` names
# them): the report's design on its reduced data and on all beats, the original's design, and one of our own.

# %%
from ecglib.experiment import Experiment
from ecglib.figures.results import overview_figure
from ecglib.names import MODEL_TITLES
from ecglib.parameters import load_parameters
from ecglib.publish import publish_figure, publish_table
from ecglib.results.overview import overview_summary, overview_table

# %% tags=["parameters"]
profile: str = "demo"  # a file of params/: demo (invented beats), short
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"overview": ["reduced", "best"]}

# %%
parameters = load_parameters(profile, **overrides)
experiment = Experiment(parameters, dataset)
profiles = [
    experiment if name == profile else Experiment(load_parameters(name), dataset)
    for name in parameters.overview or [profile]
]

# %% [markdown]
# ## MCC
#
# In percent; mean ± standard deviation where there are several runs. Ours are of the weights that each profile keeps;
# the original's are over the last ten epochs of ten runs.

# %% tags=["nbval-ignore-output"]
for model in MODEL_TITLES:
    experiment.runs(model)  # trained where they are not there yet, as no other profile's are
overview = overview_table(profiles)
publish_table(overview, overview_summary(overview), experiment, "overview")

# %% tags=["nbval-ignore-output"]
publish_figure(overview_figure(overview, f"MCC of all that was trained, {dataset}"), experiment, 0, "overview")

# %% [markdown]
# ## Macro F1
#
# The report prints weighted F1 alone.

# %% tags=["nbval-ignore-output"]
overview_summary(overview, "f1_macro")
