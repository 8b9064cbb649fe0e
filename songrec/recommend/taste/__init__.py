"""The taste model: densities over likes and dislikes, priors and their attribution."""
