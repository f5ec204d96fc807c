"""Django's PostgreSQL backend with a cheaper health check and a watch over silent servers."""
