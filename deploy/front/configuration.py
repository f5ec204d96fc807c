"""The text of the front's nginx.conf, which holds a password: write it with mode 0600."""

from deploy.environment import Environment
from deploy.errors import DeployError
from deploy.front import flower, refusals, uploads

DOCUMENT_BYTES = 2 * 1024 * 1024  # cloud/settings.py: DATA_UPLOAD_MAX_MEMORY_SIZE
FORM_BYTES = 1024 * 1024  # apps/images/intake.py: FORM
IMAGE_BYTES = 64 * 1024**3  # cloud/settings.py: the default of CELERITY_IMAGE_SIZE_CAP
HEADER_BUFFERS, HEADER_BUFFER_BYTES = 4, 16 * 1024  # the request line and each header must fit into one buffer
REQUESTS_OF_ADDRESS = 1024  # at once; those of a trusted proxy are not counted

TEXT = """\
# Written by deploy/front at every start; a change here does not last.
daemon off;
pid nginx.pid;
{user}worker_processes 1;
worker_rlimit_nofile {files};
worker_shutdown_timeout 10s;
# Lines at lower levels show URLs, and URLs of identity v2.0 hold tokens. Each refusal has its own log line.
error_log stderr crit;
thread_pool default threads=4;
events {{ worker_connections {connections}; }}
http {{
    default_type application/json;
    types {{ }}
    server_tokens off;
    access_log off;
    log_format refused escape=json '{{"event": "refused by the front", "timestamp": "$time_iso8601", '
        '"status": $status, "service": "$service", "method": "$request_method", "address": "$remote_addr", '
        '"request_id": "$own_request_id"}}';

    # How long a client may take: its headers in all, then each pause in a body or while it reads the answer.
    client_header_timeout 15s;
    client_body_timeout 30s;
    send_timeout 60s;
    keepalive_timeout 60s;
    keepalive_requests 100000;
    reset_timedout_connection on;
    large_client_header_buffers {header_buffers} {header_buffer_bytes};

    # Bodies are buffered here, large ones on disk; the API reads complete ones only.
    client_body_buffer_size 32k;
    client_body_temp_path body;
    client_max_body_size {document_bytes};
    proxy_temp_path answers;
    fastcgi_temp_path answers;
    uwsgi_temp_path answers;
    scgi_temp_path answers;
    sendfile on;
    sendfile_max_chunk 1m;
    tcp_nopush on;
    aio threads;
    aio_write on;
    max_ranges 1;

{maps}
    # Requests of one address at once. Trusted proxies send those of many.
    geo $of_a_proxy {{
        default 0;
{proxies}    }}
    map $of_a_proxy $counted {{
        0 $binary_remote_addr;
        default '';
    }}
    limit_conn_zone $counted zone=addresses:1m;
    limit_conn_status 429;
    limit_conn addresses {requests_of_address};
{upload_zones}
    map $http_host $asked_host {{
        '' $server_addr:$server_port;
        default $http_host;
    }}
    upstream api {{
        zone api 64k;
        least_conn;
{api}        keepalive 16;
        keepalive_requests 100000;
        keepalive_timeout 60s;  # less than gunicorn's: an idle connection is closed by nginx alone
    }}
{flower_upstream}    proxy_http_version 1.1;
    proxy_connect_timeout 5s;
    proxy_send_timeout 60s;
    proxy_read_timeout 300s;
    proxy_next_upstream off;
    # Answers are taken over at the API's speed: in memory, and up to 64 MiB on disk where a client reads slowly.
    proxy_buffers 16 32k;
    proxy_buffer_size 32k;
    proxy_busy_buffers_size 64k;
    proxy_max_temp_file_size 64m;
{headers}
    server {{
        listen {listen} backlog=1024;
            {pages}
{places}
{flower}
        location / {{
            proxy_pass http://api;
        }}
        location = /front/document {{
            internal;
            proxy_pass http://api$request_uri;
        }}
        location /front/ {{
            internal;
            return 404;
        }}

        # Image data. A refused upload is refused before its data arrives.
        location ~ "^/image/(v2/images/[^/]+/file|internal/uploads/[^/]+/[^/]+)/?$" {{
            client_max_body_size {image_bytes};
            if ($request_method = PUT) {{ rewrite ^ /front/upload last; }}
            rewrite ^ /front/document last;
        }}
        location = /front/upload {{
            internal;
            client_max_body_size {image_bytes};
            auth_request /front/admission/upload;
            auth_request_set $refusal $upstream_http_x_front_refusal;
            auth_request_set $refusal_status $upstream_http_x_front_status;
            auth_request_set $refusal_type $upstream_http_content_type;
            auth_request_set $refusal_id $upstream_http_x_openstack_request_id;
            auth_request_set $room $upstream_http_x_front_room;
            auth_request_set $payer $upstream_http_x_front_project;
            error_page 401 403 = @not_admitted;
            error_page 500 =503 /front/refused/503;
            {form_pages}
            {not_yet_counted}
            try_files /no_such_file @upload_$room;
        }}
{rooms}        location = /front/admission/upload {{
            internal;
            {not_yet_counted}
            client_max_body_size 0;
            proxy_method PUT;
            proxy_pass_request_body off;
{admission}            proxy_set_header X-Front-Admission ask;
            proxy_pass http://api$request_uri;
        }}
        # The API's refusal, which it has put into headers (cloud/front.py); the body is not read.
        location @not_admitted {{
            client_max_body_size 0;
            default_type '';
            add_header Content-Type $refusal_type always;
            add_header x-openstack-request-id $refusal_id always;
{refusals}
            return 503 $refusal;
        }}
        # The admin's form of new images, which holds a file.
        location = /admin/images/image/add/ {{
            client_max_body_size {form_bytes};
            if ($request_method = POST) {{ rewrite ^ /front/form last; }}
            rewrite ^ /front/document last;
        }}
        location = /front/form {{
            internal;
            client_max_body_size {form_bytes};
            auth_request /front/admission/form;
            error_page 401 403 = @form_not_admitted;
            error_page 500 =503 /front/refused/503;
            {form_pages}
            proxy_pass http://api$request_uri;
        }}
        location = /front/admission/form {{
            internal;
            client_max_body_size 0;
            proxy_method GET;
            proxy_pass_request_body off;
{admission}            proxy_set_header X-Front-Admission "";
            proxy_pass http://api/admin/images/admission/;
        }}
        location @form_not_admitted {{
            client_max_body_size 0;
            return 303 /admin/images/image/add/;
        }}

        # Files that the API releases for download (X-Accel-Redirect): nginx sends them itself.
        location /front/blobs/ {{
            internal;
            alias {blobs}/;
            default_type application/octet-stream;
            add_header x-openstack-request-id $upstream_http_x_openstack_request_id always;
            add_header Content-MD5 $upstream_http_content_md5;
        }}
    }}
}}
"""
# What the API learns about a client. Everything else about it, X-Forwarded-For too, passes as it came: the API decides
# whom it believes (cloud/front.py).
HEADERS = """\
            proxy_set_header Host $asked_host;
            proxy_set_header Connection "";
            proxy_set_header X-Front-Peer $remote_addr;
"""
PLAIN = (
    HEADERS
    + """\
            proxy_set_header X-Front-Admission "";
"""
)
ADMISSION = (
    HEADERS
    + """\
            proxy_set_header Content-Length "";
            proxy_set_header Transfer-Encoding "";
            proxy_set_header X-Front-Length $http_content_length;
"""
)


def api_sockets(environment: Environment) -> list[str]:
    """Return where the API's processes listen for the front: sockets in a directory that only the two may enter."""
    processes = environment.values.get("CELERITY_API_PROCESSES") or "2"
    if not processes.isdecimal() or int(processes) < 1:
        raise DeployError(f"CELERITY_API_PROCESSES is {processes!r}: it must be a number, at least 1.")
    return [f"unix:{environment.state}/front/api-{index}.sock" for index in range(int(processes))]


def render(environment: Environment, *, user: str | None, files: int, connections: int) -> str:
    """Return the configuration. ``user`` is the workers' account, None if everything runs under one account."""
    image_bytes = int(environment.values.get("CELERITY_IMAGE_SIZE_CAP") or IMAGE_BYTES)
    proxies = environment.values.get("CELERITY_TRUSTED_PROXIES", "").split(",")
    return TEXT.format(
        user=f"user {user};\n" if user else "",
        files=files,
        connections=connections,
        header_buffers=HEADER_BUFFERS,
        header_buffer_bytes=HEADER_BUFFER_BYTES,
        document_bytes=DOCUMENT_BYTES,
        image_bytes=image_bytes + 1,
        form_bytes=image_bytes + FORM_BYTES,
        maps=refusals.maps(),
        proxies="".join(f"        {address.strip()} 1;\n" for address in proxies if address.strip()),
        requests_of_address=REQUESTS_OF_ADDRESS,
        api="".join(f"        server {address} max_fails=0;\n" for address in api_sockets(environment)),
        headers=PLAIN,
        admission=ADMISSION,
        listen=environment["CELERITY_LISTEN"],
        pages=refusals.pages(),
        refusals=refusals.returns("refusal_status", "refusal"),
        form_pages=refusals.pages(without=(500,)),
        upload_zones=uploads.ZONES,
        not_yet_counted=uploads.NOT_YET_COUNTED,
        rooms=uploads.locations(
            cap=image_bytes, requests_of_address=REQUESTS_OF_ADDRESS, pages=refusals.pages(without=(500,), uploads=True)
        ),
        places=refusals.locations(),
        flower_upstream=flower.upstream(environment),
        flower=flower.locations(environment, pages=refusals.pages(without=(500,)), admission=ADMISSION),
        blobs=environment.state / "images" / "blobs",
    )
