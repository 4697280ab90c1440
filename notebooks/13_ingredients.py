# ---
# jupyter:
#   ecglib:
#     after: [05_intermediate_fusion]
#     makes: [table_ingredients, table_rhythm, table_known_rhythm, fig00_ingredients]
#     unless: {ingredients: [false]}
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
# # How far do these inputs go? The design `best`
#
# **Question.** The third design takes the papers' two inputs as far as we know how to. What is it made of, and what is
# missing?
#
# **Method.** Four of its parts are taken away, one at a time, each with one seed, so that a difference of a few tenths may be
# the seed's. Three more settings differ from the short recipe (batch 128 for 64, peak rate 2e-3 for 1e-3, weight decay 0.05
# for 0.01) and are in none of the lines.
#
# - **Residual networks** (He et al. 2016, with the channel weights of Hu et al. 2018) in place of the report's branches. The
#   1D branch keeps one encoder layer; the 2D branch sees the logarithm of the spectrogram's magnitude, 17 by 47.
# - **Varied beats**: each time a training beat is shown it is a little longer or shorter, stronger or weaker, noisier.
# - **Mixed beats** (mixup, Zhang et al. 2018): each training beat is added to another one, in random shares.
# - **More epochs**.

# %%
from ecglib.experiment import Experiment
from ecglib.figures.results import effect_figure
from ecglib.parameters import injected_parameters, load_parameters
from ecglib.publish import publish_figure, publish_table
from ecglib.results.ledger import Ledger, effect_table, effects, ingredients
from ecglib.results.rhythm import (
    known_rhythm_summary,
    known_rhythm_table,
    rhythm_summary,
    rhythm_table,
)

# %% [markdown]
# Change a value here and run the notebook again. A finished result is loaded; what is not there is trained. Results of
# changed parameters go to a folder of their own, so that a trial never overwrites a profile's.

# %% tags=["parameters"]
profile: str = "best"  # a file of params/; "demo" trains on invented beats
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"cnn_transformer_epochs": 12}

# %%
parameters = load_parameters(profile, **overrides, **injected_parameters(In))
experiment = Experiment(parameters, dataset)

ledger = Ledger(experiment, ingredients(parameters))
tidy = ledger.tidy
effect = effects(tidy)
publish_table(effect, effect_table(effect, "ingredient"), experiment, "ingredients")

# %%
publish_figure(effect_figure(tidy, f"What each ingredient brings, {experiment.title}"), experiment, 0, "ingredients")

# %% [markdown]
# ## What is missing
#
# A row of the data begins at the R peak of its beat: the RR interval before it is not there, and by that a supraventricular
# beat (S) is told from a normal one. The raw records have it. Below, it is a multiple of the usual interval (the median of
# eleven around the beat; below 1 the beat comes early), for the test beats that late fusion finds and for those that it
# misses: median [quartiles]. Record 232 holds nearly half of the test S beats, so they are shown without it too.

# %%
rhythm = rhythm_table(experiment, "late")
publish_table(rhythm, rhythm_summary(rhythm), experiment, "rhythm")

# %% [markdown]
# What would the interval be worth? A logistic regression, fitted on the validation beats, takes late fusion's scores and that
# one number; scores alone, fitted in the same way, tell what the fit itself brings. In percent; one seed. It sees another
# input than the papers' two.

# %%
known = known_rhythm_table(experiment, "late")
publish_table(known, known_rhythm_summary(known), experiment, "known_rhythm")

# %% [markdown] tags=["interpretation"]
# **What it shows.** For the 2D branch the network makes the difference
# (<!--n best/table_ingredients_mitbih model=cnn2d : mcc_effect points-->+8.03<!--/n--> points of MCC); for the 1D branch no part brings more than <!--n best/table_ingredients_mitbih model=cnn_transformer : max(mcc_effect) points-->+0.51<!--/n-->,
# one seed each, which is within what a seed may change. Of the S beats, missed ones come after <!--n best/table_rhythm_mitbih class=S found=False records=all : median decimal2-->0.75<!--/n--> of the usual interval. Found ones
# seem to come later (<!--n best/table_rhythm_mitbih class=S found=True records=all : median decimal2-->0.98<!--/n-->), but that is record
# 232 alone: without it <!--n best/table_rhythm_mitbih class=S found=True records=without~232 : median decimal2-->0.80<!--/n-->
# against <!--n best/table_rhythm_mitbih class=S found=False records=without~232 : median decimal2-->0.74<!--/n-->.

# %% [markdown]
# Next: [14, everything side by side](14_overview.ipynb)
