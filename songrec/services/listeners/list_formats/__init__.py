"""One file per format of lists of songs; ``services.listeners.list_files`` chooses among them."""
