"""The site's pages, one blueprint a file."""
