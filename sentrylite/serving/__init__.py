"""`sentrylite serve`: one process that starts, watches and stops all the others.

Nothing here imports Django but what runs in a process of its own (`preparation`, `demo`,
`workers.load`): the main process lives as long as the server and is to stay small.
"""
