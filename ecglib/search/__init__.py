"""A search of hyper-parameters by Optuna, inside the training beats of a profile, and one counted test at its end."""
