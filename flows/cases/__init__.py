"""What people do with the cases that flags lead to, and how they are read."""
