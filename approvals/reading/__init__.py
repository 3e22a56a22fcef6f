"""What people are shown, made from the rows. Reads only, and nothing in it decides."""
