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
# # Repetitions: what another seed changes
#
# **Question.** How much of a number is the seed's?
#
# **Method.** Each model is trained several times on the same beats, under other seeds: other initial weights, another order
# of the beats, other dropout. Mean ± standard deviation of the test metrics, and the mistakes that all seeds make.

# %%
from ecglib.experiment import Experiment
from ecglib.figures.curves import repetition_curves
from ecglib.names import BRANCHES, MODEL_TITLES
from ecglib.parameters import injected_parameters, load_parameters
from ecglib.publish import publish_figure, publish_table
from ecglib.results.repetitions import mistake_summary, mistake_table, repetition_summary, repetition_table

# %% [markdown]
# Change a value here and run the notebook again. A finished result is loaded; what is not there is trained. Results of
# changed parameters go to a folder of their own, so that a trial never overwrites a profile's.

# %% tags=["parameters"]
profile: str = "short"  # a file of params/; "demo" trains on invented beats
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"repetitions": 3}

# %%
parameters = load_parameters(profile, **overrides, **injected_parameters(In))
experiment = Experiment(parameters, dataset)

print("seeds:", ", ".join(str(one.seed) for one in experiment.repetitions))

# %%
runs = {model: [(run.history, run.best_epoch) for run in experiment.runs(model)] for model in BRANCHES}
figure = repetition_curves(runs, title=f"Repetitions, {experiment.title}")
publish_figure(figure, experiment, 0, "repetitions", all_repetitions=True)

# %% [markdown]
# ## Test metrics
#
# In percent, of the kept weights, mean ± standard deviation over the seeds.

# %%
tidy = repetition_table(experiment, tuple(MODEL_TITLES))
publish_table(tidy, repetition_summary(tidy), experiment, "repetitions")

# %% [markdown]
# ## Mistakes that all seeds share
#
# In each cell: wrong under every seed / wrong under one, on average. What every seed gets wrong, another seed or an average
# of them will hardly mend; the last column is of the mean probabilities of all seeds.

# %%
mistakes = mistake_table(experiment, tuple(MODEL_TITLES))
publish_table(mistakes, mistake_summary(mistakes), experiment, "mistakes")

# %% [markdown] tags=["interpretation"]
# **What it shows.** Over <!--n short/table_repetitions_mitbih model=late : count(mcc) whole-->10<!--/n--> seeds late fusion has a mean MCC of <!--n short/table_repetitions_mitbih model=late : mean(mcc) percent-->95.22<!--/n-->, the 1D branch alone <!--n short/table_repetitions_mitbih model=cnn_transformer : mean(mcc) percent-->95.21<!--/n-->. Of late
# fusion's <!--n short/table_mistakes_mitbih model=late : sum(wrong) whole-->315<!--/n--> mistakes a seed, <!--n short/table_mistakes_mitbih model=late : sum(wrong_in_all) whole-->183<!--/n--> are made by every seed: much of what is missing is in the data, not in the draw. Seeds 0 to
# 2 were trained on a CPU, 3 to 9 on a GPU, which by itself changes little (notebook 19).

# %% [markdown]
# Next: [10, does it reproduce?](10_verdict.ipynb)
