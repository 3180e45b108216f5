"""Readers: the bytes of one delivery in, one all-text table (and perhaps a codebook) out."""
