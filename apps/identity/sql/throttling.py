"""Failed sign-ins by address."""

ADDRESS_FAILED = """
UPDATE identity_addressslot
   SET failures = CASE WHEN since IS NULL OR since < now() - make_interval(secs => %s) THEN 1 ELSE failures + 1 END,
       since = CASE WHEN since IS NULL OR since < now() - make_interval(secs => %s) THEN now() ELSE since END
 WHERE id = %s"""
ADDRESS_WAITS = """
SELECT 1 FROM identity_addressslot
 WHERE id = %s AND failures >= %s AND since > now() - make_interval(secs => %s)"""
