"""`klassepuls serve`: keeps what runs by itself running, on this machine and on loopback only.

Nothing here imports Prefect but `prepare`, which runs in a process of its own.
"""
