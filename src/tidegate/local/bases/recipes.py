"""What a stand-in is made of: Debian packages, a few files, and the image's settings.

Each mimics the layout of the official image that it stands in for, so that an ordinary Dockerfile
builds on either. What is missing: entrypoint scripts, templates, and any later version.
"""

import re
from dataclasses import dataclass

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_OFFICIAL = re.compile(
    r"(?:docker\.io/|index\.docker\.io/)?(?:library/)?(?P<name>[a-z]+)(?::(?P<tag>.+))?"
)
_VERSION = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True, slots=True)
class User:
    """A user of the image, as `/etc/passwd` has it."""

    name: str
    number: int
    home: str = "/nonexistent"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One stand-in. `main` is the package whose version counts, in `precision` of its parts.

    `folders` are (path, owner's number), `links` are (path, target), `files` are (path, text).
    """

    name: str
    main: str
    packages: tuple[str, ...]
    command: tuple[str, ...]
    precision: int = 0
    environment: tuple[tuple[str, str], ...] = ()
    users: tuple[User, ...] = ()
    folders: tuple[tuple[str, int], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    port: int | None = None
    stop_signal: str = "SIGTERM"

    def covers(self, tag: str, version: str) -> bool:
        """Whether Debian's `version` is what `tag` asks for, as far as the tag says."""
        asked = _VERSION.match(tag)
        if asked is None:
            return True
        parts = list(zip(asked[0].split("."), _parts(version), strict=False))
        return all(a == b for a, b in parts[: self.precision])


def recipe_for(image: str) -> tuple[Recipe, str] | None:
    """The recipe for an official image and the tag that is asked for; None when there is none.

    An image that is named by its digest must be exactly that one, so nothing stands in for it.
    """
    match = _OFFICIAL.fullmatch(image)
    if match is None or "@" in image or match["name"] not in RECIPES:
        return None
    return RECIPES[match["name"]], match["tag"] or "latest"


def _parts(version: str) -> list[str]:
    """`1:18.19.0+dfsg-6` → ["18", "19", "0"]."""
    match = _VERSION.match(version.rpartition(":")[2])
    return match[0].split(".") if match else []


_NGINX_CONF = """\
user  nginx;
worker_processes  auto;
error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;

events {
    worker_connections  1024;
}

http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;
    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" '
                      '"$http_user_agent" "$http_x_forwarded_for"';
    access_log  /var/log/nginx/access.log  main;
    sendfile        on;
    keepalive_timeout  65;

    client_body_temp_path  /var/cache/nginx/client_temp;
    proxy_temp_path        /var/cache/nginx/proxy_temp;
    fastcgi_temp_path      /var/cache/nginx/fastcgi_temp;
    uwsgi_temp_path        /var/cache/nginx/uwsgi_temp;
    scgi_temp_path         /var/cache/nginx/scgi_temp;

    include /etc/nginx/conf.d/*.conf;
}
"""

_NGINX_DEFAULT = """\
server {
    listen       80;
    server_name  localhost;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }
    error_page   500 502 503 504  /50x.html;
    location = /50x.html {
        root   /usr/share/nginx/html;
    }
}
"""

_NGINX = Recipe(
    name="nginx",
    main="nginx",
    packages=("nginx",),
    command=("nginx", "-g", "daemon off;"),
    precision=1,
    users=(User("nginx", 101),),
    folders=(("var/cache/nginx", 101), ("var/log/nginx", 0)),
    links=(("var/log/nginx/access.log", "/dev/stdout"), ("var/log/nginx/error.log", "/dev/stderr")),
    files=(
        ("etc/nginx/nginx.conf", _NGINX_CONF),
        ("etc/nginx/conf.d/default.conf", _NGINX_DEFAULT),
        ("usr/share/nginx/html/50x.html", "<!doctype html><title>Error</title><h1>Error</h1>\n"),
    ),
    port=80,
    stop_signal="SIGQUIT",
)

_PYTHON = Recipe(
    name="python",
    main="python3",
    packages=("python3", "python3-pip"),
    command=("python3",),
    precision=2,
    environment=(
        ("LANG", "C.UTF-8"),
        ("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt"),
        ("PIP_BREAK_SYSTEM_PACKAGES", "1"),
    ),
    links=(("usr/bin/python", "python3"),),
)

_NODE = Recipe(
    name="node",
    main="nodejs",
    packages=("nodejs",),
    command=("node",),
    precision=1,
    environment=(("NODE_EXTRA_CA_CERTS", "/etc/ssl/certs/ca-certificates.crt"),),
    users=(User("node", 1000, "/home/node"),),
    folders=(("home", 0), ("home/node", 1000)),
)

_BUSYBOX = Recipe(name="busybox", main="busybox", packages=(), command=("sh",))

RECIPES = {recipe.name: recipe for recipe in (_NGINX, _PYTHON, _NODE, _BUSYBOX)}
EVERYWHERE = ("base-files", "busybox")
"""Packages of every stand-in: who it is (os-release), and a shell with its tools."""
