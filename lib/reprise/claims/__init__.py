"""Claims of the three papers: each as data with one rule, written before the runs that it judges."""

from .claim import Claim, claims, judge
from .verdict import Part, Verdict

__all__ = ["Claim", "Part", "Verdict", "claims", "judge"]
