"""Views as text for people. Nothing here asks, decides or prints."""
