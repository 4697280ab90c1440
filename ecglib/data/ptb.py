"""The two classes of the PTB Diagnostic ECG Database beats (Bousseljot et al. 1995, doi 10.13026/C28C71)."""

CLASS_NAMES = ("normal", "abnormal")
# every 8th of the database's 1000 samples a second
RATE_HZ = 125.0
