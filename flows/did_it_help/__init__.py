"""Did it help: for whoever runs Klassepuls, and the page of whoever owns the programme."""
