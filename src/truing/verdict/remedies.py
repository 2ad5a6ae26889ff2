"""What to do about each warning of a verdict, by its code. Codes are stable: programs go by them."""

from __future__ import annotations

NESTED = "study.evaluate(tr.Nested(5)) makes every row a test row in turn"

#: code -> a sentence. The message of few_locked_groups says what to do by itself.
REMEDIES = {
    "assumed_defaults": "Give each a default= that you would use without tuning, for that is what the gain is over.",
    "at_edge": "Widen the range and go on with extend=True, unless it ends there by nature.",
    "best_epoch_last": "Give more epochs=, in a new folder.",
    "changed_function": "Set the study aside with fresh=True where the change matters.",
    "class_missing": "Give rows of each class to both sides, or leave the class out.",
    "class_shift": "Calibration, accuracy and predictive values do not carry over as they are; state prevalence=.",
    "defaults_failed": "Mend what made them fail, or give defaults that run.",
    "duplicates": "Drop the copies, or name what they share with Data(groups=...).",
    "duplicates_not_sought": "Look for copies yourself, or give arrays.",
    "estimate_failed": "See its output, mend the cause, and call verdict(again=True).",
    "extended_space": "Set the study aside with fresh=True to search all of it alike.",
    "few_positives": f"Collect more, or rest the claim on validation: {NESTED}.",
    "groups_on_both_sides": "Use a protocol that keeps them whole, such as tr.KFold(5) with Data(groups=...).",
    "ids_on_both_sides": "Leave those rows out on one side.",
    "labels_given": "Return predict from the function, or report predictions.",
    "later_look": "For a figure with its 95 % it takes rows that nobody has seen.",
    "length_not_kept": "Loop over run.epochs().",
    "looked_before": "For a figure with its 95 % it takes rows that nobody has seen.",
    "many_failed": "See their reasons with study.trials(), and narrow the space or mend the function.",
    "did_not_hold": "See the shift in prevalence there, and train on rows like these.",
    "new_classes": "Train with rows of them where they matter.",
    "no_better_than_commonest": "Look at ROC AUC, sensitivity and specificity, or ask for a threshold=.",
    "no_better_than_constant": "Look for labels that do not belong to their rows, for a scale or a learning rate that "
    "is off, or for a signal that is not there.",
    "no_comparison": "Mend that, and call verdict(again=True).",
    "no_test": f"Give test=0.2, or {NESTED}.",
    "one_class": "Look at the learning rate and the shares of the classes, or ask for a threshold=.",
    "race_failed": "See its output and mend the cause.",
    "rare_class": "Collect more of it, or leave it out.",
    "refit_failed": "See its output, mend the cause, and call verdict(again=True).",
    "small_external_set": "Collect more of them.",
    "small_test_set": f"Lock more rows away, or rest the claim on validation: {NESTED}.",
    "small_validation": f"Believe the fresh runs, not the search; validate on more, try fewer, or {NESTED}.",
    "source_unreadable": "Put the function into a file.",
    "target_missed": "Go on with more trials.",
    "worse_on_dataset": 'Leave that dataset to a study of its own, or search with aggregate="worst".',
    "undefined": "Lock more rows away, or look at another metric.",
}


def with_remedy(code: str, message: str) -> str:
    """The message, and what to do.

    >>> with_remedy("target_missed", "The search stopped at the target 0.1.")
    'The search stopped at the target 0.1. Go on with more trials.'
    """
    remedy = REMEDIES.get(code, "")
    return f"{message} {remedy}" if remedy and remedy not in message else message
