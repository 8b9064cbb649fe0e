"""Use cases: the only place where rooms meet. Each room is one thing that a person does."""
