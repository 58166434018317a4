"""A month in the life of a small shop, made up: its projects, its people and what goes wrong.

Pure code from a seed to the events that SDKs would have sent; `sentrylite demo` sends them.
"""
