"""Who may open the case board: apart from the warehouse, which a run may be holding."""
