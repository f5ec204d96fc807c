"""What the service answers: rows as documents, one module for each noun."""
