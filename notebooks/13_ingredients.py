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
# # What the design `best` is made of
#
# The third design takes the papers' two inputs as far as we know how to. Four things set it apart from the
# report's models trained by the short recipe, and each of them is taken away here, one at a time.

# %%
from ecglib.experiment import Experiment
from ecglib.figures.results import effect_figure
from ecglib.parameters import load_parameters
from ecglib.publish import publish_figure, publish_table
from ecglib.results.ledger import Ledger, effect_table, effects, ingredients
from ecglib.results.rhythm import known_rhythm_summary, known_rhythm_table, rhythm_summary, rhythm_table

# %% tags=["parameters"]
profile: str = "demo"  # a file of params/: demo (invented beats), best
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"cnn_transformer_epochs": 12}

# %%
parameters = load_parameters(profile, **overrides)
experiment = Experiment(parameters, dataset)
for change in ingredients(parameters):
    print(f"{change.title} ({change.where})")

# %% [markdown]
# - **Residual networks** (He et al. 2016, with the channel weights of Hu et al. 2018) in place of the report's
#   branches. The 1D branch keeps one encoder layer; the 2D branch sees the logarithm of the spectrogram's magnitude,
#   17 by 47, in place of its picture in colour, 128 by 128.
# - **Varied beats**: each time a training beat is shown it is a little longer or shorter, stronger or weaker, noisier.
# - **Mixed beats** (mixup, Zhang et al. 2018): each training beat is added to another one, in random shares, and so are
#   the losses of both labels.
# - **More epochs**.
#
# One seed. The first two are measured by a third of the profile's epochs, which keeps it short; what they bring to
# a long training may be less. All of it was chosen on validation beats; the test beats are asked here, afterwards.

# %% tags=["nbval-ignore-output"]
ledger = Ledger(experiment, ingredients(parameters))
tidy = ledger.tidy
effect = effects(tidy)
publish_table(effect, effect_table(effect, "ingredient"), experiment, "ingredients")

# %% tags=["nbval-ignore-output"]
publish_figure(effect_figure(tidy, f"What each ingredient brings, {dataset}"), experiment, 0, "ingredients")

# %% [markdown]
# ## What is missing
#
# A row of the data begins at the R peak of its beat: the RR interval before it is not there, and by that a
# supraventricular beat (S) is told from a normal one. The raw records have it. Below, it is given as a multiple of the
# usual interval (the median of eleven around the beat; below 1 the beat comes early), for the test beats that late
# fusion finds and for those that it misses: median [quartiles].

# %% tags=["nbval-ignore-output"]
rhythm = rhythm_table(experiment, "late")
publish_table(rhythm, rhythm_summary(rhythm), experiment, "rhythm")

# %% [markdown]
# What would it be worth? A logistic regression, fitted on the validation beats, takes late fusion's scores and that one
# number. Scores alone, fitted in the same way, tell how much of it the fit itself brings. In percent; one seed. This
# is no fourth design: it sees more than the papers' two inputs.

# %% tags=["nbval-ignore-output"]
known = known_rhythm_table(experiment, "late")
publish_table(known, known_rhythm_summary(known), experiment, "known_rhythm")
