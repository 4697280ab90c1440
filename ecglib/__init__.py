"""ECG classification with a hybrid CNN-Transformer: what the notebooks of this report call."""

__version__ = "0.1.0"
