"""The site's pages, one blueprint in each file."""
