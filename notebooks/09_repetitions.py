# ---
# jupyter:
#   ecglib:
#     after: [05_intermediate_fusion]
#     makes: [table_repetitions, table_mistakes, fig00_repetitions]
#     unless: {repetitions: [1]}
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
# # Repetitions: what the seed decides
#
# The original paper trained each model ten times and reports mean and standard deviation; the report
# trained once. Here the same training runs under several seeds, which decide the initial weights, the order of
# the beats and the dropout. The beats to train, to validate and to test on stay the same.
#
# How many there are is the parameter `repetitions`. On a graphics processor the repetitions of a branch are
# trained in the same steps, on a CPU one after the other.

# %%
from ecglib.experiment import Experiment
from ecglib.figures.curves import repetition_curves
from ecglib.names import BRANCHES, MODEL_TITLES
from ecglib.parameters import load_parameters
from ecglib.publish import publish_figure, publish_table
from ecglib.results.repetitions import mistake_summary, mistake_table, repetition_summary, repetition_table

# %% tags=["parameters"]
profile: str = "demo"  # a file of params/: demo (invented beats), reduced, ptbxl, full
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"repetitions": 3}

# %%
parameters = load_parameters(profile, **overrides)
experiment = Experiment(parameters, dataset)
print("seeds:", ", ".join(str(one.seed) for one in experiment.repetitions))

# %% [markdown]
# ## Learning curves
#
# One pair of lines a repetition.

# %% tags=["nbval-ignore-output"]
runs = {model: [(run.history, run.best_epoch) for run in experiment.runs(model)] for model in BRANCHES}
figure = repetition_curves(runs, title=f"Repetitions, {dataset}")
publish_figure(figure, experiment, 0, "repetitions")

# %% [markdown]
# ## Test results
#
# Mean ± standard deviation over the repetitions, in percent, each with the weights of its best validation
# epoch, or of its last one where the profile says so (`selection`). A fusion joins the branches of its own repetition.

# %% tags=["nbval-ignore-output"]
tidy = repetition_table(experiment, tuple(MODEL_TITLES))
publish_table(tidy, repetition_summary(tidy), experiment, "repetitions")

# %% [markdown]
# ## Do all seeds make the same mistakes?
#
# By true class, with its number of test beats: how many beats *every* repetition gets wrong / how many a single one
# does, on average. Where the two are close, the mistakes come from what all repetitions share (the beats, the labels,
# the network) and not from the seed, and averaging the repetitions' probabilities (last column) gains little.

# %% tags=["nbval-ignore-output"]
mistakes = mistake_table(experiment, tuple(MODEL_TITLES))
publish_table(mistakes, mistake_summary(mistakes), experiment, "mistakes")
