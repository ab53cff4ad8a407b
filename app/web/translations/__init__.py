"""The texts of the site in other languages than English, and what keeps them up to date."""
