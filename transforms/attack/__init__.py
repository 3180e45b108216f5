"""The attacker: what somebody can work out of everything that has been published.

Written from the rules alone (privacy notes 1.2 and 1.4), and apart from what hides the figures:
neither knows the other, so that a slip in one of them is not repeated in the other.
"""
