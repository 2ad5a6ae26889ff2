"""What each hyperparameter of deep learning does, and where to look for its value: one card for each.

>>> cards()["kernel_size"].group
'architecture'
>>> card("lr").name
'learning_rate'
"""

from truing.knowledge.deck import card, cards, suggested
from truing.knowledge.definition import CONTEXTS, Card

__all__ = ["CONTEXTS", "Card", "card", "cards", "suggested"]
