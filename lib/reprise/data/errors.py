"""What can be wrong with local data."""

from ..places import UserError


class DataMissing(FileNotFoundError, UserError):
    """A data set is not at hand; the message says which file, where to put it and what to use instead."""


class DataDamaged(UserError):
    """A local file is not the declared one: a broken download, or other data of that name."""
