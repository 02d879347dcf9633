"""Claims of the three papers: each as data with one rule and its versions."""

from .claim import Claim, claims, judge
from .verdict import Part, Verdict

__all__ = ["Claim", "Part", "Verdict", "claims", "judge"]
