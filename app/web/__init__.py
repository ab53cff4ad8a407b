"""Everything that knows Flask: pages, the JSON API, and what all of their views share."""
