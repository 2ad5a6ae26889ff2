"""`truing doctor`: the machine, the extras, what is missing.

Facts are gathered, findings are made of them, and the command prints those.
"""
