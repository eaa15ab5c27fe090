"""Where a server's seats come from: a stand-in of GHES, watched files, and the sync that refreshes first."""
