"""Connected music servers, accounts on them and the songs that they hold."""
