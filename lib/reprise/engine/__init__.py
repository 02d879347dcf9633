"""What a study is, and how its units are computed, kept and gathered; knows none by name."""
