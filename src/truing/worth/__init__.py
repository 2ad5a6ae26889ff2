"""Is tuning worth it? Runs of the defaults alone: signal, noise, one batch, more rows, more epochs."""

from truing.worth.advice import Advice as Advice
from truing.worth.advice import Answer as Answer
from truing.worth.asking import advise as advise
