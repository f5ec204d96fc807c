"""What the front says by itself: in the shape of the service that was asked, with a request id."""

import json
from http import HTTPStatus

SERVICES = ("identity", "compute", "image", "network", "volume")
SENTENCES = {
    400: "The request could not be understood.",
    404: "The resource could not be found.",
    405: "The method is not allowed for any URL of this cloud.",
    408: "The request did not arrive in time.",
    413: "The request body is too large.",
    414: "The URL of the request is too long.",
    416: "The requested range is not satisfiable.",
    429: "Too many requests from this address are being handled. Try again later.",
    431: "The headers of the request are too large.",
    500: "Unexpected API error. The operator finds it in the log under this request id.",
    503: "The API is not available at the moment. Try again in a few seconds.",
    504: "The API did not answer in time. Try again later.",
    507: "There is no room to store the request body.",
}
# Of image data (deploy/front/uploads.py).
OF_UPLOADS = {
    413: "The image data is larger than the rest of the project's image quota, or than the image store has room for.",
    429: "Too many uploads of this project or from this address are under way. Try again when one has ended.",
}
# What nginx finds wrong by its own numbers (ngx_http_request.h), by the status that clients get.
FOUND = {400: (400, 495, 496, 497, 501, 505), 431: (494,), 503: (502, 503)}
# Nova's fault keys, as apps/common/exceptions.py has them.
FAULTS = {
    400: "badRequest",
    404: "itemNotFound",
    405: "badMethod",
    413: "overLimit",
    429: "overLimit",
    503: "serviceUnavailable",
}
PLACE = "/front/refused"
MORE = {405: '\n            add_header Allow "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" always;'}
PAGE = (
    "<html>\n <head>\n  <title>$code $title</title>\n </head>\n <body>\n  <h1>$code $title</h1>\n"
    "  $sentence<br /><br />\n </body>\n</html>"
)
# apps/common/api/fault_pages.py: the image service answers in HTML where JSON is not asked for.
SHAPES = """\
    map $service:$http_accept $shape {
        default $service;
        '~^image:$' image;
        '~*^image:.*application/(json|\\*)' image;
        '~^image:' page;
    }
    map $shape $refused_type {
        default application/json;
        page 'text/html; charset=UTF-8';
    }
"""


def _documents() -> str:
    """Return nginx's map from a service to its error document; what differs by status are variables."""
    fault: dict[str, object] = {"$fault": {"code": "$code", "message": "$sentence"}}
    shapes: dict[str, dict[str, object]] = {
        "identity": {"error": {"code": "$code", "title": "$title", "message": "$sentence"}},
        "network": {"NeutronError": {"type": "$kind", "message": "$sentence", "detail": ""}},
        "image": {"code": "$code_text", "title": "$title", "message": "$sentence"},
        "default": fault,
    }
    lines = []
    for service, shape in shapes.items():
        text = json.dumps(shape).replace('"$code"', "$code").replace("$code_text", "$code $title")
        lines.append(f"        {service} '{text}';")
    lines.append(f"        page '{PAGE}';")
    return "    map $shape $document {\n" + "\n".join(lines) + "\n    }\n"


def maps() -> str:
    """Return the maps of the http block: the service of a request, its id in OpenStack's form, the documents."""
    groups = "(?<r1>.{8})(?<r2>.{4})(?<r3>.{4})(?<r4>.{4})(?<r5>.{12})"
    return (
        # nginx does not take a URI out of a request line that is too long; the line then begins with a method.
        "    map \"$request_uri $request\" $service {\n        default '';\n"
        + "".join(f"        '~^(?: [A-Z]+ )?/+{name}(?:[/? ]|$)' {name};\n" for name in SERVICES)
        + "    }\n"
        + f"    map $request_id $own_request_id {{\n        '~^{groups}$' req-$r1-$r2-$r3-$r4-$r5;\n    }}\n"
        + "    map $service $compute_request_id {\n        default '';\n        compute $own_request_id;\n    }\n"
        + SHAPES
        + _documents()
    )


def pages(*, without: tuple[int, ...] = (), uploads: bool = False) -> str:
    """Return the error_page directives; ``without`` leaves nginx's numbers to the location that names them itself."""
    lines = []
    for status in SENTENCES:
        codes = [code for code in FOUND.get(status, (status,)) if code not in without]
        page = f"upload/{status}" if uploads and status in OF_UPLOADS else status
        if codes:
            lines.append(f"error_page {' '.join(map(str, codes))} ={status} {PLACE}/{page};")
    return "\n            ".join(lines)


# What the API answers to the question whether a body may come.
ADMISSION = (400, 401, 403, 404, 405, 409, 410, 411, 413, 415, 429, 507)


def returns(status: str, text: str) -> str:
    """Return the directives that send the variable ``text`` with the status that another one holds."""
    return "\n".join(f"            if (${status} = {code}) {{ return {code} ${text}; }}" for code in ADMISSION)


def locations() -> str:
    """Return the locations that send the refusals."""
    blocks = []
    pages = [(str(status), status, sentence) for status, sentence in SENTENCES.items()]
    pages += [(f"upload/{status}", status, sentence) for status, sentence in OF_UPLOADS.items()]
    for name, status, sentence in pages:
        title = HTTPStatus(status).phrase
        blocks.append(f"""
        location = {PLACE}/{name} {{
            internal;
            client_max_body_size 0;
            access_log /dev/stderr refused;
            set $code {status}; set $title "{title}"; set $kind "{title.replace(" ", "")}";
            set $fault {FAULTS.get(status, "computeFault")}; set $sentence "{sentence}";
            default_type '';
            add_header Content-Type $refused_type always;
            add_header x-openstack-request-id $own_request_id always;
            add_header x-compute-request-id $compute_request_id always;{MORE.get(status, "")}
            return {status} $document;
        }}""")
    return "".join(blocks)
