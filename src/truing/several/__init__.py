"""One study over several datasets: its setting, and how its trials are judged."""
