"""The parts of the benchmark of honesty: tasks whose truth is known, networks by the hundred, and what they say."""
