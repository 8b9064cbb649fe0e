"""Connected music servers: scans, exchange of listeners' data, analysis and streaming of songs."""
