"""The made-up catalogue: songs that do not exist, distributed like songs that do."""
