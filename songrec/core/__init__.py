"""What every room may use: types, errors, settings. Imports no other room."""
