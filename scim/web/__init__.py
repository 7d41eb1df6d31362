"""HTTP and timer triggers: requests in, responses out."""
