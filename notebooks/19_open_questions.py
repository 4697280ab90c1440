# ---
# jupyter:
#   ecglib:
#     after: [05_intermediate_fusion]
#     makes: [table_answers, table_row_views, fig00_unfrozen, fig00_weighted, fig00_filters, fig00_batches, fig00_views]
#     unless: {questions: [[]]}
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
# # What the paper leaves open
#
# **Question.** The report ends with advice to the original's authors: unfreeze the branches, compare 8 with 32 filters, find the
# best batch size. Notebook 18 adds one: do the networks depend on what gives the class away to trees? What comes of it?
#
# **Method.** Each answer is a pair of trainings that differ in one thing, from the same seeds, on all of MIT-BIH by the short
# recipe, all on one GPU. Nothing was tuned for an answer, and nothing is chosen by the test beats. An effect is *better* or *worse*
# where both 95 % intervals, Student's over seeds and the paired bootstrap over patients, lie on that side of 0; else it is
# *undecided*. Many effects are looked at, and one in twenty intervals misses by chance. Steps are the optimiser's, seconds
# those of the training, both with the branches that it starts from.

# %%
from ecglib.experiment import Experiment
from ecglib.figures.questions import answer_figure, setting_figure, view_figure
from ecglib.parameters import injected_parameters, load_parameters
from ecglib.publish import publish_figure, publish_table
from ecglib.results.answers import answer_summary, answer_table, setting_table, view_summary, view_table
from ecglib.results.questions import TITLES

# %% [markdown]
# Change a value here and run the notebook again. A finished result is loaded; what is not there is trained. Results of
# changed parameters go to a folder of their own, so that a trial never overwrites a profile's.

# %% tags=["parameters"]
profile: str = "questions"  # a file of params/; "demo" trains on invented beats
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"questions": ["filters"]}

# %%
parameters = load_parameters(profile, **overrides, **injected_parameters(In))
experiment = Experiment(parameters, dataset)

# %% [markdown]
# ## All answers
#
# MCC and macro F1 in percent, effects in percentage points.

# %%
tidy = answer_table(experiment)
publish_table(tidy, answer_summary(tidy), experiment, "answers")

# %% [markdown]
# ## 1. Should the branches be unfrozen?
#
# - **Fine-tuned**: the hybrid of both trained branches and a new fusion, all of it trained, the branches at a tenth of the fusion's
#   rate and without weight decay. Beside it stand a fusion of frozen branches in as many epochs and batches, the usual one, and one of
#   branches that were trained as many epochs longer instead.
# - **End to end from scratch**: the untrained hybrid, by the recipe and in the epochs of one branch.


# %%
rows = tidy[tidy["question"] == TITLES["unfrozen"]]
figure = answer_figure(rows, f"Unfrozen branches, {experiment.title}")
publish_figure(figure, experiment, 0, "unfrozen", all_repetitions=True)

# %% [markdown]
# **And with class weights?** Where late fusion leads in the papers, much of it is class weights undone (notebook 10). Here both sides
# have balanced weights in all trainings.

# %%
rows = tidy[tidy["question"] == TITLES["class_weights"]]
figure = answer_figure(rows, f"Unfrozen branches, with class weights, {experiment.title}")
publish_figure(figure, experiment, 0, "weighted", all_repetitions=True)

# %% [markdown]
# ## 2. How many filters, and which picture?
#
# The report's 2D branch has 8 filters in its first layer and sees the spectrogram in colours, the original's has 32 and sees the real
# part of the transform. How much of their distance is filters, how much picture? With the picture come the original's layers:
# padding, normalisation before the leaky ReLU, another momentum.

# %%
words = {"filters": "filters of the first layer", "colour": "report's layers and picture"}
words |= {"real_part": "original's", "magnitude": "original's, with the magnitude"}
figure = setting_figure(
    setting_table(experiment, "filters"), "filters", "picture", words, f"Filters, {experiment.title}"
)
publish_figure(figure, experiment, 0, "filters", all_repetitions=True)

# %% [markdown]
# ## 3. Which batch size?
#
# The peak of the learning rate stays. In as many epochs a larger batch takes fewer steps, so it stands there a second time with as
# many steps.

# %%
words = {"batch_size": "beats a batch", "1": "the same epochs", "4": "the same steps as in the middle"}
figure = setting_figure(
    setting_table(experiment, "batch_size"), "batch_size", "epochs", words, f"Batches, {experiment.title}"
)
publish_figure(figure, experiment, 0, "batches", all_repetitions=True)

# %% [markdown]
# ## 4. What gives the class away?
#
# A row ends in zeros, so its length tells when the next beat comes; it shows part of that beat; and its levels say something without
# any shape. Each is hidden, once in the test rows alone, once in all rows that a network is trained and tested on:
#
# - **stretched**: to the full width, so that there is no length and no zero;
# - **without the next beat**: the last third of what is not zero becomes zero;
# - **in order of size**, or in random order: no shape is left, only how often each level occurs;
# - **ranks**: each sample's rank among the row's takes its place, so that the shape stays and the levels go.
#
# MCC in percent, mean of the seeds.

# %%
views = view_table(experiment)
publish_table(views, view_summary(views), experiment, "row_views")

# %%
figure = view_figure(views, f"What the networks need of a row, {experiment.title}")
publish_figure(figure, experiment, 0, "views", all_repetitions=True)

# %% [markdown]
# **What stays open.** The paper also names a search over all settings at once (Ray Tune, Optuna): it is not made here.

# %% [markdown]
# Back to: [00, the beats](00_data.ipynb)
