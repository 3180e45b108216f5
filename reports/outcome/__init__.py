"""The page of whoever owns the programme: what was done, and whether it helped."""
