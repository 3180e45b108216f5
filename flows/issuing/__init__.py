"""`klassepuls report`: a flag report written anew, for one who asks for it, and logged."""
