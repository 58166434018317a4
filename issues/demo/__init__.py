"""A month in the life of a small shop, made up: its projects, its people and what goes wrong.

Pure code from a seed to the events and sessions that SDKs would have sent, and to the releases that
they are of; `sentrylite demo` sends them.
"""
