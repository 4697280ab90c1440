# ---
# jupyter:
#   ecglib:
#     after: [05_intermediate_fusion, 08_by_patient]
#     tells: [table_looked_deletion, table_looked_agreement, fig00_looked, fig00_looked_checks]
#     also: [original, ptb]
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
# # Explore the results
#
# **Question.** Which beats does a model get wrong, in whose records, and what would another threshold or another weighting of
# the classes change?
#
# **Method.** All models' scores of all test beats, as they are committed, in one panel that computes everything by itself: no
# training, no records, no network. Of each cell of each confusion matrix the worst beats are kept with their signal.

# %%
from ecglib.experiment import Experiment
from ecglib.figures.attribution import checks_figure, looked_figure
from ecglib.names import BRANCHES, CLASS_TITLES, MODEL_TITLES
from ecglib.parameters import injected_parameters, load_parameters
from ecglib.publish import publish_figure, publish_table
from ecglib.report.explorer import both_splits, explorer
from ecglib.results import attribution
from ecglib.results.weighting import weighting_summary, weighting_table

# %% [markdown]
# Change a value here and run the notebook again. A finished result is loaded; what is not there is trained. Results of
# changed parameters go to a folder of their own, so that a trial never overwrites a profile's.

# %% tags=["parameters"]
profile: str = "reduced"  # a file of params/; "demo" trains on invented beats
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"fusion_epochs": 20}

# %%
experiment = Experiment(load_parameters(profile, **overrides, **injected_parameters(In)), dataset)
shown = both_splits(experiment)

# %% [markdown]
# ## The panel
#
# - **A cell of the confusion matrix** opens the list of its beats. Worst first: where the wrong class has the highest
#   probability, or on the diagonal the right one the lowest. Step through them with the buttons or the arrow keys.
# - **Record** shows one record alone. **Results** changes from the split by beat to the one by patient, where there is one.
# - **Class weights taken back** divides them out of the scores, as in notebook 10: 0 is the model as it was trained, 1 the model
#   as if its loss had had none. Nothing is fitted. Look at the matrix while you move it.
# - **Where the branches looked** colours a beat by what counted for the class that the 1D branch calls it, and leaves bright what
#   counted in its picture for the 2D branch, whichever model is chosen above. How far such maps can be trusted is shown at the end, for profile `reduced`.
# - **One class against all others**: where on its curves a threshold lies.
# - **Record by record**: the share of right answers where the model knows the patient, and where it does not.
#
# With the records at hand (`ECGLIB_DATA`), the notebook also shows the strip from 3 s before each beat to 3 s after it, and
# `explorer(shown, per_cell=100)` shows more beats with their signals, those without colours.

# %%
explorer(shown)

# %% [markdown]
# ## The same numbers, computed by Python
#
# In percent, of the split by beat: at 0 and at 1 the panel shows the same.

# %%
weighting_summary(weighting_table(shown[0]))

# %% [markdown] tags=["interpretation"]
# **What it shows.** Take late fusion and go to the records: with these patients known it has an MCC
# of <!--n reduced/table_patients_mitbih model=late split=by~beat,~these~patients~only : mcc percent1-->81.4<!--/n-->, with the same patients
# new <!--n reduced/table_patients_mitbih model=late split=by~patient : mcc percent1-->30.4<!--/n-->. Which records lose most is seen there, and their beats above.
# In profile `original`, whose class weights are larger, the 1D branch goes from <!--n original/table_weighting_mitbih model=cnn_transformer : mcc percent-->91.16<!--/n-->
# to <!--n original/table_weighting_mitbih model=cnn_transformer : mcc_without_weights percent-->93.87<!--/n--> when they are taken back, and the fusion by concatenation
# from <!--n original/table_weighting_mitbih model=concat : mcc percent-->94.17<!--/n--> to <!--n original/table_weighting_mitbih model=concat : mcc_without_weights percent-->92.62<!--/n-->: what helps one model costs the other. One seed each.
# A share or a threshold that is chosen here is chosen on the test beats, so that its numbers are no result.

# %% [markdown] tags=["interpretation"]
# ## Where the branches looked
#
# Colours on an ECG convince, whether they are right or not; so here they stand beside tests of them. They are made for 20 test beats of
# each class, drawn at random, and for the class that the branch calls each of them:
#
# - **Attention rollout** (1D): the attention of all eight layers multiplied, each token half itself (Abnar and Zuidema 2020), the
#   class token's row spread over the 50 samples that each token is made from. It knows no class.
# - **Integrated gradients** (both): what each sample, or pixel, adds to the score on the way from a beat of zeros, or a picture of one
#   colour (Sundararajan et al. 2017).
# - **Grad-CAM** (2D): the last 64 maps, each weighted by how the score rises with it on average (Selvaraju et al. 2017); and **by
#   position**, weighted at each place by itself (HiResCAM, Draelos and Carin 2020), since the branch's last layer has a weight for each place.
#
# All are our own few lines (`ecglib/models/attribution.py`), not captum, which has no rollout. They are compared in units: 17 stretches of
# 11 samples, or 8 × 8 fields of the picture. The beats below are the first of each class, in the order of the records, that both branches call rightly.

# %% tags=["interpretation"]
looked = attribution.Looked(experiment)
rows = looked.examples()
signal = looked.signal[rows].astype("float32")
beat, seen = (looked.maps(branch) for branch in BRANCHES)
bands = {attribution.METHOD_TITLES[name]: beat[name][rows].astype("float32") for name in ("gradients", "rollout")}
picture = attribution.shown_to(experiment, "cnn2d", signal).cpu().numpy()
names = [CLASS_TITLES.get(name, name) for name in experiment.class_names]
on_picture = {
    attribution.METHOD_TITLES[name].replace(" by", "\nby"): seen[name][rows].astype("float32")
    for name in ("grad_cam", "hires_cam")
}
rate_hz = experiment.beats.metadata.rate_hz
figure = looked_figure(
    signal, bands, picture, on_picture, names, rate_hz, f"Where the branches looked, {experiment.title}"
)
publish_figure(figure, experiment, 0, "looked")

# %% [markdown] tags=["interpretation"]
# **Deletion.** A map that is right names what the branch needs. So the units are deleted, the most important first: stretches of the
# beat become straight lines, fields of the picture its mean colour. The faster the probability of the class falls, the better; the
# measure is random order on the same units. In percent; intervals are over patients, drawn with all of their beats, each class
# as often as the others.

# %% tags=["interpretation"]
tidy = attribution.deletion_table(looked)
publish_table(tidy, attribution.deletion_summary(tidy), experiment, "looked_deletion")

# %% [markdown] tags=["interpretation"]
# **Agreement and random weights.** Spearman's rank correlation of the units of two maps of the same beat: 1 is the same order, 0 none.
# Another training is compared on the beats that both call the same. At last the weights of the branch are put at random, from the output
# down (Adebayo et al. 2018): a map that stays as it is says nothing of what was learned. Mean of three draws.

# %% tags=["interpretation"]
tidy = attribution.agreement_table(looked)
publish_table(tidy, attribution.agreement_summary(tidy), experiment, "looked_agreement")

# %% tags=["interpretation"]
curves = {branch: looked.deletion(branch) for branch in BRANCHES}
titles, branches = attribution.METHOD_TITLES, {name: MODEL_TITLES[name] for name in BRANCHES}
figure = checks_figure(
    curves, attribution.SHARES, tidy, titles, branches, f"Can the maps be trusted? {experiment.title}"
)
publish_figure(figure, experiment, 0, "looked_checks")

# %% [markdown] tags=["interpretation"]
# **What it shows.** *1D branch.* Deleted by integrated gradients, its beats keep less probability than in random order,
# by <!--n reduced/table_looked_deletion_mitbih model=cnn_transformer order=gradients : gain percent1-->11.3<!--/n--> points [<!--n reduced/table_looked_deletion_mitbih model=cnn_transformer order=gradients : gain_low percent1-->3.4<!--/n-->, <!--n reduced/table_looked_deletion_mitbih model=cnn_transformer order=gradients : gain_high percent1-->20.1<!--/n-->]; by attention
# rollout <!--n reduced/table_looked_deletion_mitbih model=cnn_transformer order=rollout : gain percent1-->1.5<!--/n--> points [<!--n reduced/table_looked_deletion_mitbih model=cnn_transformer order=rollout : gain_low percent1-->-4.9<!--/n-->, <!--n reduced/table_looked_deletion_mitbih model=cnn_transformer order=rollout : gain_high percent1-->8.5<!--/n-->], which may be chance. Rollout cannot see the output layer, and maps of wholly random weights still have a rank
# correlation of <!--n reduced/table_looked_agreement_mitbih model=cnn_transformer method=rollout kind=randomised other=and~convolutions : rho decimal2-->0.50<!--/n--> with the trained ones: much of what attention shows here is there before anything is learned. Integrated gradients keep
# nothing of it (<!--n reduced/table_looked_agreement_mitbih model=cnn_transformer method=gradients kind=randomised other=and~convolutions : rho decimal2-->-0.04<!--/n-->).
#
# *2D branch.* Integrated gradients again find most, <!--n reduced/table_looked_deletion_mitbih model=cnn2d order=gradients : gain percent1-->17.0<!--/n--> points [<!--n reduced/table_looked_deletion_mitbih model=cnn2d order=gradients : gain_low percent1-->13.1<!--/n-->, <!--n reduced/table_looked_deletion_mitbih model=cnn2d order=gradients : gain_high percent1-->21.6<!--/n-->]. Grad-CAM is worse than random
# order, <!--n reduced/table_looked_deletion_mitbih model=cnn2d order=grad_cam : gain percent1-->-8.6<!--/n--> points [<!--n reduced/table_looked_deletion_mitbih model=cnn2d order=grad_cam : gain_low percent1-->-15.8<!--/n-->, <!--n reduced/table_looked_deletion_mitbih model=cnn2d order=grad_cam : gain_high percent1-->-0.3<!--/n-->]; by position it is better, <!--n reduced/table_looked_deletion_mitbih model=cnn2d order=hires_cam : gain percent1-->6.4<!--/n--> points [<!--n reduced/table_looked_deletion_mitbih model=cnn2d order=hires_cam : gain_low percent1-->3.5<!--/n-->, <!--n reduced/table_looked_deletion_mitbih model=cnn2d order=hires_cam : gain_high percent1-->10.0<!--/n-->]. The two differ in one average alone: Grad-CAM was made for networks that
# average their last maps, and this branch has a weight for each place. So the panel above shows it by position.
#
# *Agreement.* Integrated gradients and rollout have next to no order in common (<!--n reduced/table_looked_agreement_mitbih model=cnn_transformer method=gradients kind=method other=rollout : rho decimal2-->0.05<!--/n-->), and the three methods on the picture little (<!--n reduced/table_looked_agreement_mitbih model=cnn2d method=gradients kind=method other=grad_cam : rho decimal2-->0.00<!--/n-->
# to <!--n reduced/table_looked_agreement_mitbih model=cnn2d method=gradients kind=method other=hires_cam : rho decimal2-->0.15<!--/n-->). With another seed, the 2D branch's maps correlate by <!--n reduced/table_looked_agreement_mitbih model=cnn2d method=gradients kind=training other=seed~1 : rho decimal2-->0.09<!--/n--> (integrated gradients), <!--n reduced/table_looked_agreement_mitbih model=cnn2d method=hires_cam kind=training other=seed~1 : rho decimal2-->0.39<!--/n--> (by position) and <!--n reduced/table_looked_agreement_mitbih model=cnn2d method=grad_cam kind=training other=seed~1 : rho decimal2-->0.47<!--/n--> (Grad-CAM): a map that agrees with
# itself may still fail the deletion. The 1D branch trained on all beats by the report's recipe has <!--n reduced/table_looked_agreement_mitbih model=cnn_transformer method=gradients kind=training other=profile~full : rho decimal2-->0.61<!--/n--> (integrated gradients).
# Each map is that of one training.
#
# **What does not follow.** Seeds are two of the 2D branch and one of the 1D, since no others' weights are kept; profiles `full` and `short` learned from all
# beats, `short` by another recipe, and both from the same first weights as this one. No beat with straight lines in it was learned from, nor a picture with
# fields of its mean colour, so that a fall of the probability may be surprise. <!--n reduced/table_looked_deletion_mitbih model=cnn2d order=random : beats whole-->100<!--/n--> beats of <!--n reduced/table_looked_deletion_mitbih model=cnn2d order=random : patients whole-->34<!--/n--> patients, all known to the branches, each class as
# often as the others; another sample moves the numbers.

# %% [markdown]
# Next: [16, an ECG of your own](16_your_ecg.ipynb)
