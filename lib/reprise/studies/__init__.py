"""What was asked: a folder a study, found by its name."""
