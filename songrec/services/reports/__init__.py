"""Run comparisons, HTML reports and exported clusters."""
