# ---
# jupyter:
#   ecglib:
#     after: [04_late_fusion]
#     makes: [table_hints, fig00_hints]
#     alone: true
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
# # What gives the class away?
#
# **Question.** How far do plain classifiers come on the same rows, and what in a row do they need?
#
# **Method.** A row holds the beat and the R peak after it, scaled to [0, 1], and ends in zeros; so its length tells how early
# the next beat comes. Logistic regression and boosted trees (scikit-learn's, no class weights, nothing tuned) learn from the
# profile's training beats and are tested on the same test beats as the networks. A third one sees the features of the 1D
# branch before any training. Then the trees learn and are tested again on rows of which something is hidden.

# %%
from ecglib.experiment import Experiment
from ecglib.figures.hints import hint_figure
from ecglib.names import EXPERIMENT_1, MODEL_TITLES
from ecglib.parameters import injected_parameters, load_parameters
from ecglib.publish import publish_figure, publish_table
from ecglib.results.hints import hint_summary, hint_table

# %% [markdown]
# Change a value here and run the notebook again. A finished result is loaded; what is not there is trained. Results of
# changed parameters go to a folder of their own, so that a trial never overwrites a profile's.

# %% tags=["parameters"]
profile: str = "reduced"  # a file of params/; "demo" trains on invented beats
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"seed": 1}

# %%
experiment = Experiment(load_parameters(profile, **overrides, **injected_parameters(In)), dataset)

# %% [markdown]
# In percent; the intervals are over patients, drawn with all of their beats.

# %%
tidy = hint_table(experiment)
publish_table(tidy, hint_summary(tidy), experiment, "hints")

# %%
models = {MODEL_TITLES[model]: experiment.run(model).metrics.mcc for model in EXPERIMENT_1}
figure = hint_figure(tidy, models, f"What gives the class away, {experiment.title}")
publish_figure(figure, experiment, 0, "hints")

# %% [markdown] tags=["interpretation"]
# **What it shows.** Boosted trees on the plain 187 samples have an MCC of <!--n reduced/table_hints_mitbih classifier=boosted~trees sees=the~whole~row : mcc percent1-->83.7<!--/n-->
# [<!--n reduced/table_hints_mitbih classifier=boosted~trees sees=the~whole~row : mcc_people_low percent1-->75.2<!--/n-->, <!--n reduced/table_hints_mitbih classifier=boosted~trees sees=the~whole~row : mcc_people_high percent1-->89.0<!--/n-->], the trained 1D
# branch <!--n reduced/table4_mitbih model=cnn_transformer reported_by=ours : mcc percent1-->85.5<!--/n--> and the 2D branch <!--n reduced/table4_mitbih model=cnn2d reported_by=ours : mcc percent1-->68.4<!--/n-->: the 1D branch
# lies inside that interval, the 2D branch below it. With the samples of each row in order of size, so that
# no shape is left, the trees still have <!--n reduced/table_hints_mitbih classifier=boosted~trees sees=its~samples~in~order~of~size : mcc percent1-->65.7<!--/n-->: how
# often each level occurs says much by itself. That every patient is on both sides of the split may be why; it is not shown here.
#
# The length of a row, thus the rhythm, says something by itself (<!--n reduced/table_hints_mitbih classifier=boosted~trees sees=its~length~alone : mcc percent1-->21.0<!--/n-->), but hiding it from the trees, or the next beat, each
# alone, costs them less than two points: they can do without either.
#
# **What does not follow.** The trees' losses have no interval. For the 1D branch, by a short recipe on all beats, see
# [19](19_open_questions.ipynb). One training of each, no search. And all of it is the split by beat; for new patients see [17, new people](17_new_people.ipynb).

# %% [markdown]
# Next: [19, what the paper leaves open](19_open_questions.ipynb)
