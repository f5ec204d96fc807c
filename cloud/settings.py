"""Settings: every knob is an environment variable CELERITY_*, or a line of <state>/celerity.env."""

import os
import re
import socket
import sys
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from cloud import host_settings, stores, volume_backends
from cloud.logs import logging_config
from cloud.page_settings import REST_FRAMEWORK, SPECTACULAR_SETTINGS, STATIC_URL, UNFOLD  # noqa: F401
from workers.system import addresses

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
GIVEN_ADMIN_PASSWORD = os.environ.get(
    "CELERITY_ADMIN_PASSWORD", ""
)  # from the environment of a command, not from the file
STATE_DIR = Path(env.str("CELERITY_STATE_DIR", default="/var/lib/celerity"))
env.read_env(str(STATE_DIR / "celerity.env"))  # the environment wins over the file

SECRET_KEY = env.str("CELERITY_SECRET_KEY", default="unsafe-only-for-commands-that-need-no-state")
DEBUG = env.bool("CELERITY_DEBUG", default=False)
LISTEN = env.str("CELERITY_LISTEN", default="127.0.0.1:8000")
PUBLIC_URL = env.str("CELERITY_PUBLIC_URL", default=f"http://{LISTEN}").rstrip("/")
ALLOWED_HOSTS = env.list("CELERITY_ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CELERITY_TRUSTED_ORIGINS", default=[PUBLIC_URL])

# Apps that only pages and requests need; without them the scheduler and each host agent save 12 MiB.
PAGES = [
    "unfold.apps.BasicAppConfig",
    "apps.operations.admin.apps.OperatorAdminConfig",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
PROCESS = env.str("CELERITY_PROCESS", default="")  # api, scheduler, host-agent …; empty: a command
INSTALLED_APPS = [
    *([] if PROCESS in ("scheduler", "host-agent") else PAGES),
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "apps.common",
    "apps.identity",
    "apps.workflow",
    "apps.quotas",
    "apps.images",
    "apps.scheduling",
    "apps.networking",
    "apps.volumes",
    "apps.compute",
    "apps.operations",
    "cloud",
]

MIDDLEWARE = [
    "apps.operations.metrics.requests.LatencyMiddleware",
    "apps.common.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "cloud.tuning.middleware.SessionMiddleware",
    "cloud.tuning.middleware.CsrfViewMiddleware",
    "cloud.tuning.middleware.AuthenticationMiddleware",
    "cloud.tuning.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

# Where traces go (OTLP over HTTP, without /v1/traces). Nothing of OpenTelemetry is loaded without it.
OTLP_ENDPOINT = env.str("CELERITY_OTLP_ENDPOINT", default=env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default=""))
if OTLP_ENDPOINT:
    MIDDLEWARE.insert(MIDDLEWARE.index("apps.common.middleware.RequestMiddleware") + 1, "cloud.traces.TraceMiddleware")

ROOT_URLCONF = "cloud.urls"
WSGI_APPLICATION = "cloud.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "cloud" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# Seconds that one statement may take: in the API, in scheduler and agents. Commands (migrate, backup) take their time.
STATEMENT_SECONDS = {
    "api": env.float("CELERITY_STATEMENT_TIMEOUT", default=10.0),
    "scheduler": env.float("CELERITY_WORKER_STATEMENT_TIMEOUT", default=60.0),
}
STATEMENT_SECONDS["host-agent"] = STATEMENT_SECONDS["scheduler"]
if min(STATEMENT_SECONDS.values()) < 0.001:
    raise ImproperlyConfigured(
        "CELERITY_STATEMENT_TIMEOUT and CELERITY_WORKER_STATEMENT_TIMEOUT are seconds, more than 0: "
        "no statement runs without a limit."
    )
DATABASES = {
    "default": {
        **env.db_url("CELERITY_DATABASE_URL", default="postgresql://celerity@127.0.0.1:15432/celerity"),
        "ENGINE": "cloud.tuning.database",
        # Connections are kept: sessions carry the leases of running steps, and set-up costs 3 ms.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            "application_name": PROCESS or "celerity",
            # Only named statements (apps/common/sql) and foreign keys' own checks have plans to keep.
            "options": "-c plan_cache_mode=force_generic_plan",
            # The limit of a statement, which cloud/tuning/database sets; 0: none.
            "statement_seconds": STATEMENT_SECONDS.get(PROCESS, 0),
            # A peer that vanished must not keep its advisory locks for the kernel's default of two hours.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "identity.User"
AUTHENTICATION_BACKENDS = ["apps.identity.backends.DomainUserBackend"]
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # user names are unique within a domain, as in Keystone
PASSWORD_HASHERS = ["apps.identity.hashers.Argon2idHasher"]
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https:")

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["cloud.formats"]
# `make up` collects static files under hashed names, compressed; without it (tests) they are served from their sources.
STATIC_ROOT = STATE_DIR / "static"
COLLECTED = (STATIC_ROOT / "staticfiles.json").is_file() and PROCESS == "api"
WHITENOISE_USE_FINDERS = not COLLECTED
WHITENOISE_MANIFEST_STRICT = False
if COLLECTED or "collectstatic" in sys.argv:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "cloud.static_files.Storage"},
    }
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # API documents; image data is streamed and not limited by this
FILE_UPLOAD_HANDLERS = ["apps.images.intake.Intake"]

# --- Celery -------------------------------------------------------------------------------------
BROKER_URL = env.str("CELERITY_BROKER_URL", default="redis://127.0.0.1:16379/0")
BROKER_VISIBILITY = env.float("CELERITY_BROKER_VISIBILITY", default=3600)  # s until Redis hands a message out again

# --- Identity -----------------------------------------------------------------------------------
REGION = env.str("CELERITY_REGION", default="RegionOne")
TOKEN_LIFETIME_SECONDS = env.int("CELERITY_TOKEN_LIFETIME", default=86400)
FERNET_KEY_DIR = STATE_DIR / "fernet-keys"
CREDENTIAL_KEY_DIR, VOLUME_KEY_DIR = STATE_DIR / "credential-keys", STATE_DIR / "volume-keys"  # as on every API host
ALLOW_EXPIRED_SECONDS = env.int("CELERITY_ALLOW_EXPIRED", default=172800)  # for ?allow_expired=1
LOCKOUT_FAILURES = env.int("CELERITY_LOCKOUT_FAILURES", default=10)  # wrong passwords of one user; 0: never
LOCKOUT_SECONDS = env.int("CELERITY_LOCKOUT", default=300)
ADDRESS_FAILURES = env.int("CELERITY_ADDRESS_FAILURES", default=100)  # failed sign-ins from one address; 0: no limit
ADDRESS_SECONDS = env.int("CELERITY_ADDRESS_WINDOW", default=60)
TRUSTED_PROXIES = env.list("CELERITY_TRUSTED_PROXIES", default=[])  # whose X-Forwarded-For names the client
PASSWORD_EXPIRES_DAYS = env.int("CELERITY_PASSWORD_EXPIRES_DAYS", default=0)  # 0: never
PASSWORD_HISTORY = env.int("CELERITY_PASSWORD_HISTORY", default=0)  # former passwords that are refused
PASSWORD_MINIMUM_AGE_DAYS = env.int("CELERITY_PASSWORD_MINIMUM_AGE_DAYS", default=0)
PASSWORD_REGEX = env.str("CELERITY_PASSWORD_REGEX", default="")  # new passwords must match it
PASSWORD_CHANGE_AT_FIRST_USE = env.bool("CELERITY_PASSWORD_CHANGE_AT_FIRST_USE", default=False)
CREDENTIALS_PER_USER = env.int("CELERITY_QUOTA_CREDENTIALS", default=100)  # of each kind
ACCESS_RULES_PER_USER = env.int("CELERITY_QUOTA_ACCESS_RULES", default=1000)  # -1: no limit
EC2_SIGNATURE_SECONDS = env.int("CELERITY_EC2_SIGNATURE_AGE", default=900)
IDENTITY_LIST_LIMIT = env.int("CELERITY_IDENTITY_LIST_LIMIT", default=10000)  # rows of one answer, as list_limit
if IDENTITY_LIST_LIMIT < 1:
    raise ImproperlyConfigured(f"CELERITY_IDENTITY_LIST_LIMIT is {IDENTITY_LIST_LIMIT}: it must be at least 1.")
AUDIT_DAYS = env.int("CELERITY_AUDIT_DAYS", default=90)  # how long events are kept

# --- Workflow -----------------------------------------------------------------------------------
INSTANCE_BUILD_TIMEOUT = env.int("CELERITY_INSTANCE_BUILD_TIMEOUT", default=900)  # seconds, never 0
if INSTANCE_BUILD_TIMEOUT < 1:
    raise ImproperlyConfigured(
        f"CELERITY_INSTANCE_BUILD_TIMEOUT is {INSTANCE_BUILD_TIMEOUT}: it must be at least 1 (second). "
        "No build waits for ever; the default is 900."
    )
STEP_TIMEOUT = env.int("CELERITY_STEP_TIMEOUT", default=600)  # seconds, where a step names none
MAX_ATTEMPTS = env.int("CELERITY_MAX_ATTEMPTS", default=3)  # hosts tried for one build
LOCK_WAIT_SECONDS = env.int("CELERITY_LOCK_WAIT", default=10)
SWEEP_INTERVAL = env.float("CELERITY_SWEEP_INTERVAL", default=2.0)  # seconds
SWEEP_GRACE = env.float("CELERITY_SWEEP_GRACE", default=3.0)  # seconds a queued message may take
RUN_DAYS = env.int("CELERITY_RUN_DAYS", default=90)  # how long ended runs are kept; a subject's newest ones longer
FINDING_DAYS = env.int("CELERITY_FINDING_DAYS", default=90)  # how long resolved findings are kept
RECONCILE_SECONDS = env.float("CELERITY_RECONCILE", default=60.0)  # how often the rows are compared with each other

# --- Quotas -------------------------------------------------------------------------------------
QUOTA_DEFAULTS = {
    "instances": env.int("CELERITY_QUOTA_INSTANCES", default=10),
    "cores": env.int("CELERITY_QUOTA_CORES", default=20),
    "ram": env.int("CELERITY_QUOTA_RAM", default=51200),  # MiB
    "key_pairs": env.int("CELERITY_QUOTA_KEY_PAIRS", default=100),
    "metadata_items": env.int("CELERITY_QUOTA_METADATA_ITEMS", default=128),
    "injected_files": 5,
    "injected_file_content_bytes": 10240,
    "injected_file_path_bytes": 255,
    "server_groups": 10,
    "server_group_members": 10,
}
VOLUME_QUOTAS = {  # under Cinder's names
    "volumes": env.int("CELERITY_QUOTA_VOLUMES", default=10),
    "snapshots": env.int("CELERITY_QUOTA_SNAPSHOTS", default=10),
    "gigabytes": env.int("CELERITY_QUOTA_GIGABYTES", default=1000),  # GiB of volumes and snapshots
    "per_volume_gigabytes": env.int("CELERITY_QUOTA_PER_VOLUME_GIGABYTES", default=-1),
    "backups": env.int("CELERITY_QUOTA_BACKUPS", default=10),
    "backup_gigabytes": env.int("CELERITY_QUOTA_BACKUP_GIGABYTES", default=1000),
    "groups": env.int("CELERITY_QUOTA_VOLUME_GROUPS", default=10),
}
# Back ends of volumes: `local` is on the disk of servers; others are `name=local:/path` (another file system of each
# host), `name=shared:/path` (one that all hosts have mounted there, NFS say), or `name=ceph:pool` (`ceph` alone is
# `ceph=ceph:volumes`). ``path`` is the directory, or the pool.
VOLUME_BACKENDS = volume_backends.read(env.list("CELERITY_VOLUME_BACKENDS", default=["local"]))
# Where hosts find the Ceph cluster, and the key of the user that they are there.
CEPH_CONF = env.str("CELERITY_CEPH_CONF", default="/etc/ceph/ceph.conf")
CEPH_USER = env.str("CELERITY_CEPH_USER", default="celerity")
CEPH_KEYRING = env.str("CELERITY_CEPH_KEYRING", default=f"/etc/ceph/ceph.client.{CEPH_USER}.keyring")
# Where servers' disks are: "" in files of their hosts, or the pool of rbd://pool.
ROOT_STORE = stores.pool_of("CELERITY_ROOT_STORE", env.str("CELERITY_ROOT_STORE", default="local"))
stores.check(ROOT_STORE, VOLUME_BACKENDS)
# Where images' data is: "" in files of the machine with the API, or the pool of rbd://pool.
IMAGE_STORE = stores.pool_of("CELERITY_IMAGE_STORE", env.str("CELERITY_IMAGE_STORE", default="local"))
VOLUME_OVERCOMMIT = env.float("CELERITY_VOLUME_OVERCOMMIT", default=1.0)  # of back ends with a path
DEFAULT_VOLUME_TYPE = env.str("CELERITY_DEFAULT_VOLUME_TYPE", default="__DEFAULT__")  # of volumes that name none
# Where backups of volumes are: file:///directory, which all hosts see, or s3://bucket/prefix.
BACKUP_STORE = env.str("CELERITY_BACKUP_STORE", default=f"file://{STATE_DIR}/volume-backups")
S3_ENDPOINT = env.str("CELERITY_S3_ENDPOINT", default="")  # of that bucket; "": Amazon's
S3_REGION = env.str("CELERITY_S3_REGION", default="us-east-1")
S3_ACCESS_KEY = env.str("CELERITY_S3_ACCESS_KEY", default="")
S3_SECRET_KEY = env.str("CELERITY_S3_SECRET_KEY", default="")
BACKUP_CONTAINER = "volumebackups"  # what the API shows of a backup that names no container
MESSAGE_DAYS = env.int("CELERITY_MESSAGE_DAYS", default=30)  # of messages about failed volumes
RECLAIM_INSTANCE_INTERVAL = env.int("CELERITY_RECLAIM_INSTANCE_INTERVAL", default=0)  # seconds; 0: deleted at once
# Whether a resize may leave a server on its host. Off, a cloud of one host resizes none.
ALLOW_RESIZE_TO_SAME_HOST = env.bool("CELERITY_ALLOW_RESIZE_TO_SAME_HOST", default=True)
RESIZE_CONFIRM_WINDOW = env.int("CELERITY_RESIZE_CONFIRM_WINDOW", default=0)  # seconds; 0: nothing confirms by itself
# How many seconds a shelved server stays on its host; 0: it leaves at once, -1: not by itself.
SHELVED_OFFLOAD_TIME = env.int("CELERITY_SHELVED_OFFLOAD_TIME", default=0)
RESERVATION_LIFETIME = INSTANCE_BUILD_TIMEOUT * 2  # seconds

# --- Scheduling ---------------------------------------------------------------------------------
# What is added to, or left out of, the lists of apps/scheduling/engine/enabled.py; see docs/scheduling.md.
SCHEDULER_FILTERS = env.list("CELERITY_SCHEDULER_FILTERS", default=[])  # +my.filters.Gpu,-json_query
SCHEDULER_WEIGHERS = env.list("CELERITY_SCHEDULER_WEIGHERS", default=[])  # +my.weighers.Gpu=2.0,ram=0.5,-disk
SCHEDULER_MAX_INSTANCES_PER_HOST = env.int("CELERITY_MAX_INSTANCES_PER_HOST", default=0)  # 0: no limit
SCHEDULER_MAX_IO_OPS_PER_HOST = env.int("CELERITY_MAX_IO_OPS_PER_HOST", default=0)  # builds at once; 0: no limit
SCHEDULER_HOST_SUBSET_SIZE = env.int("CELERITY_HOST_SUBSET_SIZE", default=3)
HOST_DOWN_SECONDS = env.int("CELERITY_HOST_DOWN", default=20)
HEARTBEAT_SECONDS = env.int("CELERITY_HEARTBEAT", default=5)
# If off, agents only report orphans. For the time after a backup was restored under hosts that lived on.
REMOVE_STRANGERS = env.bool("CELERITY_REMOVE_STRANGERS", default=True)
# Whether servers that ran when their machine went down start again with it.
RESUME_GUESTS = env.bool("CELERITY_RESUME_GUESTS", default=True)
RECOVERY_SECONDS = env.int("CELERITY_RECOVERY", default=60)  # how often an agent compares its host with the rows
DEFAULT_ZONE = env.str("CELERITY_ZONE", default="nova")
ALLOCATION_RATIOS = {
    "vcpus": env.float("CELERITY_CPU_RATIO", default=4.0),
    "ram_mib": env.float("CELERITY_RAM_RATIO", default=1.0),
    "disk_gib": env.float("CELERITY_DISK_RATIO", default=1.0),
}
RESERVED_RAM_MIB = env.int("CELERITY_RESERVED_RAM", default=512)

# --- Images -------------------------------------------------------------------------------------
IMAGE_DIR = STATE_DIR / "images"
IMAGE_SIZE_CAP = env.int("CELERITY_IMAGE_SIZE_CAP", default=64 * 1024**3)  # bytes, upload
IMAGE_RESERVE = env.int("CELERITY_IMAGE_RESERVE", default=1024**3)  # bytes of the store's disk that stay free
IMAGE_QUOTAS = {  # under the names that Glance's unified limits have
    "image_count_total": env.int("CELERITY_QUOTA_IMAGES", default=100),
    "image_size_total": env.int("CELERITY_QUOTA_IMAGE_SIZE", default=102400),  # MiB
}
IMAGE_VIRTUAL_SIZE_CAP = env.int("CELERITY_IMAGE_VIRTUAL_SIZE_CAP", default=1024**4)  # bytes

# --- Networking ---------------------------------------------------------------------------------
DNS_NAMESERVERS = env.list("CELERITY_DNS", default=[])  # of subnets that name none; empty: those of the machine
AUTOMATIC_NETWORK_POOL = env.str("CELERITY_AUTOMATIC_NETWORKS", default="10.128.0.0/10")  # cut into /24
# What flat and VLAN networks lead to: the names alone, the bridges are the hosts' business.
PHYSICAL_NETWORKS = [
    entry.partition(":")[0].strip() for entry in env.list("CELERITY_BRIDGE_MAPPINGS", default=["public:br-ex"])
]
# Where a network's own dns_domain is empty: DHCP tells it to guests, and their names are answered in it.
DNS_DOMAIN = env.str("CELERITY_DNS_DOMAIN", default="openstacklocal").strip(".").lower()
if not re.fullmatch(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", DNS_DOMAIN):
    raise ImproperlyConfigured(f"CELERITY_DNS_DOMAIN is {DNS_DOMAIN!r}; it must be a domain.")
GROUP_FLOWS = env.int("CELERITY_GROUP_FLOWS", default=200_000)  # of one security group on a host: see flow_budget.py
NETWORK_QUOTAS = {
    "network": env.int("CELERITY_QUOTA_NETWORKS", default=100),
    "subnet": env.int("CELERITY_QUOTA_SUBNETS", default=100),
    "port": env.int("CELERITY_QUOTA_PORTS", default=500),
    "subnetpool": env.int("CELERITY_QUOTA_SUBNET_POOLS", default=20),
    "address_scope": env.int("CELERITY_QUOTA_ADDRESS_SCOPES", default=20),
    "address_group": env.int("CELERITY_QUOTA_ADDRESS_GROUPS", default=10),
    "rbac_policy": env.int("CELERITY_QUOTA_RBAC_POLICIES", default=10),
    "router": env.int("CELERITY_QUOTA_ROUTERS", default=10),
    "floatingip": env.int("CELERITY_QUOTA_FLOATING_IPS", default=50),
    "trunk": env.int("CELERITY_QUOTA_TRUNKS", default=50),
    "security_group": env.int("CELERITY_QUOTA_SECURITY_GROUPS", default=10),
    "security_group_rule": env.int("CELERITY_QUOTA_SECURITY_GROUP_RULES", default=100),
}

# --- Compute and hosts --------------------------------------------------------------------------
ENABLE_INSTANCE_PASSWORD = env.bool("CELERITY_ENABLE_INSTANCE_PASSWORD", default=True)  # adminPass in answers
FORCE_CONFIG_DRIVE = env.bool("CELERITY_FORCE_CONFIG_DRIVE", default=True)
VENDOR_DATA = env.str("CELERITY_VENDOR_DATA", default="")  # a JSON file: vendor_data.json of every server
VENDOR_DATA_URL = env.str("CELERITY_VENDOR_DATA_URL", default="")  # answers vendor_data2.json
VENDOR_DATA_SECONDS = env.float("CELERITY_VENDOR_DATA_TIMEOUT", default=5.0)
HYPERVISOR = env.str("CELERITY_HYPERVISOR", default="libvirt")
# Real hosts have OVN, which the network worker writes. Networks of simulated hosts are rows; with a network worker, the
# simulated engine has records of them, too.
NETWORK_WORKER = env.bool("CELERITY_NETWORK_WORKER", default=HYPERVISOR != "simulated")
if HYPERVISOR != "simulated" and not NETWORK_WORKER:
    raise ImproperlyConfigured("CELERITY_NETWORK_WORKER: only a cloud of simulated hosts goes without.")
# OVN's northbound database, which the network worker writes, and the database of this host's Open vSwitch.
# Bytes. Geneve's headers take 58 of what a host's network usually carries.
NETWORK_MTU = env.int("CELERITY_NETWORK_MTU", default=1442)
NETDEV_OFFLOADS = env.str("CELERITY_NETDEV_OFFLOADS", default="single-host")  # the first machine's is the cloud's
EXTERNAL_CIDR = env.str("CELERITY_EXTERNAL_CIDR", default="198.19.0.0/24")  # of the network `public`
NORTHBOUND = env.str("CELERITY_NORTHBOUND", default=f"unix:{STATE_DIR}/ovn/central/nb.sock")
SWITCH = env.str("CELERITY_SWITCH", default=f"unix:{STATE_DIR}/ovn/host/db.sock")
# How long a server that starts waits for its ports, in seconds (0: not at all), and whether it fails without them.
VIF_PLUGGING_TIMEOUT = env.int("CELERITY_VIF_PLUGGING_TIMEOUT", default=60)
VIF_PLUGGING_IS_FATAL = env.bool("CELERITY_VIF_PLUGGING_IS_FATAL", default=True)
AUTO_ASSIGN_FLOATING_IP = env.bool("CELERITY_AUTO_ASSIGN_FLOATING_IP", default=False)  # one for each new server
HOST_NAME = env.str("CELERITY_HOST", default=socket.gethostname().split(".")[0])
SIMULATED_HOSTS = env.int("CELERITY_HOSTS", default=1)
SERVED_HOSTS = env.list("CELERITY_SERVED_HOSTS", default=[])  # simulated hosts of this agent; none: all
LIBVIRT_URI = env.str("CELERITY_LIBVIRT_URI", default="qemu:///system")
VIRT_TYPE = env.str("CELERITY_VIRT_TYPE", default="auto")  # auto, kvm or qemu
PROCESSOR = host_settings.processor(env)  # of guests
CPU_DEDICATED_SET = env.str("CELERITY_CPU_DEDICATED_SET", default="")  # for servers with dedicated CPUs: 2-5,^3
CPU_SHARED_SET = env.str("CELERITY_CPU_SHARED_SET", default="")  # for all others
AGENT_LISTEN = env.str("CELERITY_AGENT_LISTEN", default="127.0.0.1:0")  # where the API reaches the agent
# Where the API and other hosts reach this host, as hypervisors and migrations show it.
HOST_ADDRESS = addresses.of_host(
    env.str("CELERITY_HOST_ADDRESS", default=""), AGENT_LISTEN, str(DATABASES["default"].get("HOST") or "127.0.0.1")
)
# Where this host listens for others that use its volumes, while they do: an address of the management network, and a
# range of ports, one for each attachment.
VOLUME_ADDRESS = env.str("CELERITY_VOLUME_ADDRESS", default=HOST_ADDRESS)
VOLUME_PORTS = env.str("CELERITY_VOLUME_PORTS", default="10900-11399")
_PORTS = re.fullmatch(r"(\d{2,5})-(\d{2,5})", VOLUME_PORTS)
if _PORTS is None or not 0 < int(_PORTS[1]) <= int(_PORTS[2]) < 65536:
    raise ImproperlyConfigured(f"CELERITY_VOLUME_PORTS is {VOLUME_PORTS!r}; it must be a range: 10900-11399.")
DISK_RESERVE_GIB = env.int("CELERITY_DISK_RESERVE", default=2)  # images and volumes leave it free on a host's disk
AGENT_THREADS = env.int("CELERITY_AGENT_THREADS", default=4)
LONG_STEPS = env.int("CELERITY_LONG_STEPS", default=2)  # of an agent at once: copies, big downloads
DRAIN_AT_ONCE = env.int("CELERITY_DRAIN_AT_ONCE", default=2)  # servers of one host that are moved at the same time
EVACUATE_AT_ONCE = env.int("CELERITY_EVACUATE_AT_ONCE", default=10)  # servers of one dead host, made again at once
# Whether servers restart elsewhere by themselves once their host is dead, if neither their flavor nor their owner says.
RESTART_ELSEWHERE = env.bool("CELERITY_RESTART_ELSEWHERE", default=False)
# What switches a silent host off: it gets the host's name as its last argument, and ends with 0 once the host is off.
FENCE_COMMAND = env("CELERITY_FENCE_COMMAND", default="")
FENCE_AFTER = env.int("CELERITY_FENCE_AFTER", default=120)  # seconds of silence
LIVE_MIGRATION = host_settings.live_migration(env)
# What flavors call PCI devices (gpu=10de:1eb8), and those of this host that servers may have.
PCI_ALIASES = host_settings.pci_aliases(env.list("CELERITY_PCI_ALIASES", default=[]))
PCI_DEVICES = host_settings.pci_devices(env.list("CELERITY_PCI_DEVICES", default=[]))
LONG_DOWNLOAD_MIB = env.int("CELERITY_LONG_DOWNLOAD", default=1024)  # images from here on are fetched by a long step
# Used by the supervisor's configuration; parsed here so that no process starts with an invalid number.
API_PROCESSES = env.int("CELERITY_API_PROCESSES", default=2)
API_THREADS = env.int("CELERITY_API_THREADS", default=4)
SCHEDULER_THREADS = env.int("CELERITY_SCHEDULER_THREADS", default=3)
if min(AGENT_THREADS, LONG_STEPS, API_PROCESSES, API_THREADS, SCHEDULER_THREADS - 1) < 1:
    raise ImproperlyConfigured(
        "CELERITY_AGENT_THREADS, CELERITY_LONG_STEPS, CELERITY_API_PROCESSES, CELERITY_API_THREADS must be at least 1, "
        "CELERITY_SCHEDULER_THREADS 2: sweeps go on while a boot is placed."
    )
SIMULATION_PLAN = env.str("CELERITY_SIMULATION_PLAN", default=str(STATE_DIR / "simulation.json"))
SIMULATED_HOST_VCPUS = env.int("CELERITY_SIMULATED_VCPUS", default=64)
SIMULATED_HOST_RAM_MIB = env.int("CELERITY_SIMULATED_RAM", default=262144)
SIMULATED_HOST_DISK_GIB = env.int("CELERITY_SIMULATED_DISK", default=4096)
CONSOLE_LOG_LIMIT = 102400  # bytes of a console that one call returns

# --- Seen ---------------------------------------------------------------------------------------
METRICS_HOSTS = env.int("CELERITY_METRICS_HOSTS", default=200)  # with more hosts, metrics are summed over all hosts

LOGGING = logging_config(
    form=env.str("CELERITY_LOG_FORMAT", default="json"),
    level=env.str("CELERITY_LOG_LEVEL", default="INFO"),
)
