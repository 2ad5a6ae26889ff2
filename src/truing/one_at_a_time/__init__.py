"""One parameter at a time, the others held: real runs, paired with the search's own."""

from truing.one_at_a_time.ablating import ablation as ablation
from truing.one_at_a_time.ablating import stored_ablation as stored_ablation
from truing.one_at_a_time.ablation import Ablation as Ablation
from truing.one_at_a_time.sweep import Point as Point
from truing.one_at_a_time.sweep import Sweep as Sweep
from truing.one_at_a_time.sweeping import stored as stored
from truing.one_at_a_time.sweeping import sweep as sweep
