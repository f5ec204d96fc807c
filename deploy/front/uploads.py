"""How much image data the front takes in: a room for each upload, and so many uploads of a project at once.

The API answers the front's question with the size allowed for an upload of unknown length
(apps/images/services/charges.py). nginx accepts no variable as the limit of a body, so each size is a location; sizes
are powers of two in MiB.
"""

MIB = 1024 * 1024
OF_PROJECT = 8  # uploads at once: the API charges a body when it is complete
READ_TIMEOUT = 660  # seconds, and one more for each so many MiB: the API reads all data again before it answers, and
MIB_A_SECOND = 32  # copies it into its pool. Hosts wait for a minute less
OF_ADDRESS = 16  # those of a trusted proxy are not counted

# nginx counts a request once, where it first meets a limit whose key is not empty. The key of a project is empty until
# the API has answered; so the limits hold in the rooms.
ZONES = """\
    limit_conn_zone $payer zone=projects_with_uploads:1m;
    limit_conn_zone $counted zone=addresses_with_uploads:1m;
"""
NOT_YET_COUNTED = f"limit_conn projects_with_uploads {OF_PROJECT};"
ROOM = """\
        location @upload_{room} {{
            client_max_body_size {limit};
            limit_conn projects_with_uploads {of_project};
            limit_conn addresses_with_uploads {of_address};
            limit_conn addresses {requests_of_address};
            error_page 500 =507 /front/refused/507;  # the body could not be stored
            proxy_read_timeout {read_timeout}s;
            {pages}
            proxy_pass http://api$request_uri;
        }}
"""


def rooms(cap: int) -> list[int]:
    """Return the sizes of rooms in MiB, up to the first that holds ``cap`` bytes."""
    sizes = [1]
    while sizes[-1] * MIB < cap:
        sizes.append(sizes[-1] * 2)
    return sizes


def locations(*, cap: int, requests_of_address: int, pages: str) -> str:
    """Return the locations that take uploads in. A body of one byte over the cap reaches the API, whose refusal names
    the cap.
    """
    return "".join(
        ROOM.format(
            room=size,
            limit=min(size * MIB, cap + 1),
            of_project=OF_PROJECT,
            of_address=OF_ADDRESS,
            requests_of_address=requests_of_address,
            read_timeout=READ_TIMEOUT + size // MIB_A_SECOND,
            pages=pages,
        )
        for size in rooms(cap)
    )
