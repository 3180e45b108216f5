"""The case board: pages on loopback for the nurse and the school's resource group.

What is read comes from `warehouse`; what is done is done by functions that `flows` passes in, the
same that `klassepuls case ...` gives its commands to (`office.py`). No page asks anything of any
network, and all work without a script.
"""
