# ---
# jupyter:
#   ecglib:
#     after: [05_intermediate_fusion, 09_repetitions]
#     makes: [table_verdict, table_claims, table_weighting, table_others, fig00_verdict]
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
# # Does it reproduce?
#
# Two questions, each answered by a rule that is stated before its numbers. Do our numbers lie where the original
# paper's do? And do the papers' claims hold: that the hybrid beats both of its branches, and that late fusion beats
# intermediate fusion?

# %%
from ecglib.experiment import Experiment
from ecglib.figures.results import verdict_figure
from ecglib.parameters import load_parameters
from ecglib.publish import publish_figure, publish_table
from ecglib.results.claims import claim_sentences, claim_summary, claim_table
from ecglib.results.verdict import (
    others_summary,
    others_table,
    seed_table,
    verdict_sentence,
    verdict_summary,
    verdict_table,
)
from ecglib.results.weighting import weighting_summary, weighting_table

# %% tags=["parameters"]
profile: str = "demo"  # a file of params/: demo (invented beats), reduced, ptbxl, full
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"repetitions": 3}

# %%
parameters = load_parameters(profile, **overrides)
experiment = Experiment(parameters, dataset)
print("seeds:", ", ".join(str(one.seed) for one in experiment.repetitions))

# %% [markdown]
# ## The numbers (original's Tables V and VIII)
#
# In percent. The original gives mean and standard deviation of the test metrics over the last 10 epochs of 10
# repetitions. Ours are those of the same kind where the profile says so (`reported_epochs`), else of each
# repetition's one kept epoch; a deviation needs more than one value. The column of epochs says which.
#
# **Rule.** Compared as printed, with two decimals: our mean lies within one standard deviation of the original's mean,
# within two, above, or below. The names in the headings say what was trained on and in which design: of fewer
# beats, a verdict tells what fewer beats cost. PTB-XL is not the papers' PTB, and gets no verdict.
#
# The report prints one run without an interval. Where our training set is the report's, the last column is the plain
# difference. (For late fusion it prints two accuracies on MIT-BIH, 94.35 and 94.94; the first is taken.)

# %% tags=["nbval-ignore-output"]
numbers = verdict_table(experiment)
publish_table(numbers, verdict_summary(numbers), experiment, "verdict")

# %% tags=["nbval-ignore-output"]
print(verdict_sentence(numbers))

# %% tags=["nbval-ignore-output"]
points = seed_table(experiment)
figure = verdict_figure(points, numbers, profile, title=f"Our test MCC beside the papers', {dataset}")
publish_figure(figure, experiment, 0, "verdict")

# %% [markdown]
# ## The claims
#
# Both models of a pair, each with the weights that were kept, classify the same test beats, so that it is their
# difference that is tested, in points of percent:
#
# - **over beats**: the test beats are drawn again with replacement, 2,000 times, the same draws for all models; in
#   brackets the 95 % interval of the difference, averaged over the seeds. It holds the trained models and the people
#   fixed: beats of one person are alike, so for other people it would be wider.
# - **over seeds**, where there are several: mean ± standard deviation of the difference from seed to seed and Student's
#   95 % interval of its mean.
# - **McNemar's exact test** on the beats that just one of the two gets right, of the first seed: seeds share their test
#   beats, so that their counts cannot be added up.
#
# **Rule.** By MCC and macro F1, late fusion is better (the claim *holds*) where every interval lies above 0; it
# *does not hold* where every one lies below; all else is *undecided*. McNemar's test decides nothing here: it counts
# right answers, of which most belong to the largest class. A claim about several models holds where it holds for
# each, and does not where it fails for one. On one seed, all of this is said of these trained models, and not of the
# next training.

# %% tags=["nbval-ignore-output"]
claims = claim_table(experiment)
publish_table(claims, claim_summary(claims), experiment, "claims")

# %% tags=["nbval-ignore-output"]
print(claim_sentences(claims))

# %% [markdown]
# ## What the lead is made of
#
# The papers weight the classes in the loss by the inverse of their size, so that a branch takes too many beats for one
# of the small classes. The original's late fusion has no such weights. Does it gain by joining two branches, or by
# undoing the weights of one? They can be undone without any fusion and without fitting anything: the weighted loss
# multiplies the probabilities that a model comes to by the weights, and dividing by them takes that back (Menon et al.
# 2021, arXiv 2007.07314). Late fusion's lead is given over each model as both were trained, and with the weights taken
# back on either side that had any.
#
# In percent, of the kept weights, mean over the seeds. The division supposes scores that are logarithms of
# probabilities; all models trained with class weights have such.

# %% tags=["nbval-ignore-output"]
weighting = weighting_table(experiment)
publish_table(weighting, weighting_summary(weighting), experiment, "weighting")

# %% [markdown]
# ## Beside others
#
# The Kaggle file of MIT-BIH test beats has been used by many. Of the numbers whose split and metrics can be checked,
# those below are the highest that we know of. They stand beside ours where the test beats are the same; ± is the
# standard deviation over runs.

# %% tags=["nbval-ignore-output"]
others = others_table(experiment)
publish_table(others, others_summary(others), experiment, "others")
