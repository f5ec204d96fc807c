"""Wrong passwords of a user, from known addresses and from others."""

LOCKED = """
SELECT CASE WHEN k.id IS NOT NULL
            THEN k.failures >= %(limit)s AND k.failed_at > now() - make_interval(secs => %(seconds)s)
            ELSE u.failed_auth_count >= %(limit)s AND u.failed_auth_at > now() - make_interval(secs => %(seconds)s) END
  FROM identity_user u
  LEFT JOIN identity_knownaddress k
         ON k.user_id = u.id AND k.digest = %(digest)s AND k.seen_at > now() - make_interval(days => %(days)s)
 WHERE u.id = %(user)s"""
FAILED = """
WITH known AS (
    UPDATE identity_knownaddress
       SET failures = CASE WHEN failed_at IS NULL OR failed_at < now() - make_interval(secs => %(seconds)s)
                           THEN 1 ELSE failures + 1 END,
           failed_at = now()
     WHERE user_id = %(user)s AND digest = %(digest)s AND seen_at > now() - make_interval(days => %(days)s)
    RETURNING failures
), unknown AS (
    UPDATE identity_user
       SET failed_auth_count =
               CASE WHEN failed_auth_at IS NULL OR failed_auth_at < now() - make_interval(secs => %(seconds)s)
                    THEN 1 ELSE failed_auth_count + 1 END,
           failed_auth_at = now()
     WHERE id = %(user)s AND NOT EXISTS (SELECT 1 FROM known)
    RETURNING failed_auth_count
)
SELECT failures FROM known UNION ALL SELECT failed_auth_count FROM unknown"""
# Written at most once an hour for each address: a sign-in costs no row version else.
SEEN = """
INSERT INTO identity_knownaddress AS k (user_id, digest, seen_at, failures) VALUES (%(user)s, %(digest)s, now(), 0)
    ON CONFLICT (user_id, digest) DO UPDATE SET seen_at = now(), failures = 0
 WHERE k.failures > 0 OR k.seen_at < now() - interval '1 hour'
RETURNING (xmax = 0)"""
