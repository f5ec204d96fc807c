"""Documents of rows, one module for each noun."""
