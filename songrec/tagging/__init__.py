"""Windows of sound and the network that tags them. Importing this imports no model."""
