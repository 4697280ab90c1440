"""From raw records or CSV files to the beat table, and from it to who trains, validates and tests."""
