"""The web server's side: whole requests go to threads, slow clients do not."""
