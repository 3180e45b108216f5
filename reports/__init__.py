"""What people read: flag reports, charts and texts in their languages."""
