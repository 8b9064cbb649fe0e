"""Similar songs by sound and songs found by words."""
