"""Datasets as widgets that compute in the page: an anywidget class and a plain ES module each."""
