"""The translations of the site's texts."""
