"""Long work: `queue` is light, `tasks` is heavy."""
