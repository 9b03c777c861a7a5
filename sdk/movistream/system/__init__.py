"""What this machine and its processes are asked for: children, whole files, cores, text."""
