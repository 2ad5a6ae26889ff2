collect_ignore_glob = ["architectures/*"]  # files to be inspected, not tests
