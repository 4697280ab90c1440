"""What a network sees of a beat, and the networks; every ``forward`` gives (scores (B, K), features (B, D))."""
