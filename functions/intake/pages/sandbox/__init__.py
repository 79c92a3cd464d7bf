"""The confined process in which files and words from outside are parsed: client, protocol, worker, limits, syscalls."""
