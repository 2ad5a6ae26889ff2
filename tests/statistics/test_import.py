import subprocess
import sys


def test_neither_importing_nor_scoring_loads_a_heavy_library():
    code = (
        "import sys, numpy as np; from truing.statistics import score, wilson; "
        "score('roc_auc', np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]])); wilson(1, 2); "
        "print({'torch', 'sklearn', 'scipy', 'pandas', 'plotly'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
