"""Finding resources and showing them."""
