"""Connected music servers: what they hold, what their listeners do there, and their sound."""
