"""Finding the discounts that may apply to a cart among many, without evaluating all of them.

Conservative: what is left out could not have applied or, where that is asked, would have taken nothing off. What is
found still has to be evaluated.
"""

from app.engine.candidates.index import Candidate, CandidateIndex
from app.engine.candidates.needs import Needs, needs_of

__all__ = ["Candidate", "CandidateIndex", "Needs", "needs_of"]
