"""The pages of `docs/reference`, made from the product itself, so that they cannot fall behind."""
